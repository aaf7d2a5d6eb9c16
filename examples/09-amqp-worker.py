"""A worker that speaks AMQP only, for flows of the node type noop. Prints each task that it has run.

Needs `npx batuta dev --amqp` in another terminal and pika (Debian: python3-pika); run it with
`python3 examples/09-amqp-worker.py old-1`. A second argument is how many tasks it runs before it ends.
"""
import json
import os
import sys

import pika

url = os.environ.get("BATUTA_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672")
prefix = os.environ.get("BATUTA_AMQP_PREFIX", "batuta")
worker_id = sys.argv[1] if len(sys.argv) > 1 else f"python-{os.getpid()}"
left = int(sys.argv[2]) if len(sys.argv) > 2 else -1

connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()


def send(routing_key, message):
    channel.basic_publish(prefix, routing_key, json.dumps(message))


queue = f"{prefix}.tasks.{worker_id}"
channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_qos(prefetch_count=2)
send("worker.registration", {
    "workerId": worker_id,
    "hostname": "python",
    "heartbeatIntervalMs": 1000,
    "capacity": {"maxConcurrentFlows": 2, "maxConcurrentNodes": 10, "memoryLimitMB": 512, "cpuLimitCores": 1},
    "supportedNodeTypes": ["noop"],
})

beat = {"workerId": worker_id, "status": "healthy", "currentLoad": {"activeFlows": 0}}
for method, _, body in channel.consume(queue, inactivity_timeout=0.5):
    send("worker.heartbeat", beat)
    if method is None:
        continue
    channel.basic_ack(method.delivery_tag)
    task = json.loads(body)
    send("task.result", {
        "taskId": task["taskId"],
        "executionId": task["executionId"],
        "workerId": worker_id,
        "attempt": task["attempt"],
        "status": "completed",
        "output": {"by": "python"},
    })
    print(json.dumps(task), flush=True)
    left -= 1
    if left == 0:
        break
connection.close()
