"""Publishes a flow over AMQP and prints its result.

Needs `npx batuta dev --amqp` in another terminal and pika (Debian: python3-pika); run it with
`python3 examples/08-amqp-producer.py`.
"""
import json
import os
import sys
import uuid

import pika

url = os.environ.get("BATUTA_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672")
prefix = os.environ.get("BATUTA_AMQP_PREFIX", "batuta")
execution_id = sys.argv[1] if len(sys.argv) > 1 else str(uuid.uuid4())

connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
reply_queue = channel.queue_declare("", exclusive=True).method.queue
channel.confirm_delivery()  # a publish returns once the broker has the flow

flow = {"name": "noop", "version": 1, "nodes": [{"id": "only", "type": "noop"}], "connections": []}
channel.basic_publish(
    prefix,
    "flow.execute.normal",
    json.dumps({"flowId": "noop", "executionId": execution_id, "flowData": flow}),
    pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        message_id=execution_id,  # published again it still runs once
        correlation_id=execution_id,
        reply_to=reply_queue,
        expiration="60000",  # whoever waits has given up by then
    ),
    mandatory=True,
)
for _, properties, body in channel.consume(reply_queue, auto_ack=True):
    print(json.dumps({"correlation": properties.correlation_id, "result": json.loads(body)}))
    break
connection.close()
