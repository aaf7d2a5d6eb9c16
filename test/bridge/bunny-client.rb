# A client of the AMQP contract in Ruby, which knows nothing of Batuta: publishes a flow, or works.
#
# bunny-client.rb submit URL PREFIX EXECUTION_ID    prints the result that comes to its queue
# bunny-client.rb work URL PREFIX WORKER_ID         runs one task, prints it, and ends
require "bunny"
require "json"

how, url, prefix, name = ARGV
connection = Bunny.new(url).start
channel = connection.create_channel
channel.confirm_select
exchange = channel.topic(prefix, durable: true)
done = Queue.new

if how == "submit"
  replies = channel.queue("", exclusive: true)
  replies.subscribe { |_, properties, body| done << [properties.correlation_id, JSON.parse(body)] }
  flow = { name: "noop", version: 1, nodes: [{ id: "only", type: "noop" }], connections: [] }
  exchange.publish(
    JSON.generate(flowId: "noop", executionId: name, flowData: flow),
    routing_key: "flow.execute.high", content_type: "application/json", persistent: true, mandatory: true,
    message_id: name, correlation_id: name, reply_to: replies.name, priority: 9
  )
  channel.wait_for_confirms or raise "the broker has not confirmed the flow"
  correlation, result = done.pop
  puts JSON.generate(correlation: correlation, result: result)
else
  tell = ->(key, message) { exchange.publish(JSON.generate(message), routing_key: key, mandatory: true) }
  channel.prefetch(1)
  tasks = channel.queue("#{prefix}.tasks.#{name}", durable: true, arguments: { "x-queue-type" => "quorum" })
  tasks.subscribe(manual_ack: true) do |delivery, _, body|
    task = JSON.parse(body)
    report = task.slice("taskId", "executionId", "attempt")
    tell.call("task.result", report.merge(workerId: name, status: "completed", output: { by: "ruby" }))
    channel.ack(delivery.delivery_tag)
    done << task
  end
  tell.call("worker.registration",
            workerId: name, hostname: "ruby", supportedNodeTypes: ["noop"], heartbeatIntervalMs: 1000,
            capacity: { maxConcurrentFlows: 2, maxConcurrentNodes: 10, memoryLimitMB: 512, cpuLimitCores: 1 })
  beats = Thread.new do
    beat = connection.create_channel.topic(prefix, durable: true)
    loop do
      beat.publish(JSON.generate(workerId: name, status: "healthy"), routing_key: "worker.heartbeat")
      sleep 0.5
    end
  end
  puts JSON.generate(done.pop)
  beats.kill
  channel.wait_for_confirms
end
connection.close
