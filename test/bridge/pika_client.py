"""A client of the AMQP contract in Python, which knows nothing of Batuta: publishes a flow, or works.

pika_client.py submit URL PREFIX EXECUTION_ID FLOW_DATA    prints the result that comes to its queue
pika_client.py work URL PREFIX WORKER_ID                   runs one task, prints it, and ends
"""
import json
import sys

import pika

how, url, prefix, name = sys.argv[1:5]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()


def submit(flow_data):
    reply_queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    body = json.dumps({"flowId": "noop", "executionId": name, "flowData": json.loads(flow_data)})
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=name, priority=5,
        expiration="60000", reply_to=reply_queue, correlation_id=name,
    )
    channel.basic_publish(prefix, "flow.execute.normal", body, properties, mandatory=True)
    for _, reply_properties, reply in channel.consume(reply_queue, auto_ack=True):
        print(json.dumps({"correlation": reply_properties.correlation_id, "result": json.loads(reply)}))
        return


def publish(key, message):
    channel.basic_publish(prefix, key, json.dumps(message))


def work():
    publish("worker.registration", {
        "workerId": name, "hostname": "python", "heartbeatIntervalMs": 1000,
        "capacity": {"maxConcurrentFlows": 2, "maxConcurrentNodes": 10, "memoryLimitMB": 512, "cpuLimitCores": 1},
        "supportedNodeTypes": ["noop"],
    })
    queue = f"{prefix}.tasks.{name}"
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    channel.basic_qos(prefetch_count=2)
    beat = {"workerId": name, "status": "healthy", "currentLoad": {"activeFlows": 0}}
    for method, _, body in channel.consume(queue, inactivity_timeout=0.5):
        publish("worker.heartbeat", beat)
        if method is None:
            continue
        task = json.loads(body)
        publish("task.result", {
            "taskId": task["taskId"], "executionId": task["executionId"], "workerId": name,
            "attempt": task["attempt"], "status": "completed", "output": {"by": "python"},
        })
        channel.basic_ack(method.delivery_tag)
        print(json.dumps(task))
        return


submit(sys.argv[5]) if how == "submit" else work()
connection.close()
