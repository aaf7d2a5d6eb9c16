/**
 * A producer as a NestJS application has one, with what npm has of it and nothing of Batuta. Its calls come
 * as JSON, and what came of each is printed as a line of JSON.
 */
import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientsModule, RmqRecordBuilder, Transport } from "@nestjs/microservices";
import { lastValueFrom } from "rxjs";

const { BATUTA_AMQP_URL: url, BATUTA_AMQP_PREFIX: prefix } = process.env;
const [calls = "[]", kind = "queue"] = process.argv.slice(2);
const FLOWS = "FLOWS";

/** By the ways in which a client of NestJS may publish. */
const WAYS = {
  /** It declares the queue itself, as it is by default. */
  queue: {
    queue: `${prefix}.flows.normal`,
    queueOptions: { durable: true, arguments: { "x-queue-type": "quorum" } },
  },
  /** It takes the queue as it is. */
  noAssert: { queue: `${prefix}.flows.normal`, noAssert: true },
  /** By its pattern, over the exchange. */
  exchange: { exchange: prefix, exchangeType: "topic", wildcards: true, queue: "" },
};

class AppModule {}
Module({
  imports: [
    ClientsModule.register([
      { name: FLOWS, transport: Transport.RMQ, options: { urls: [url], ...WAYS[kind] } },
    ]),
  ],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: ["error"] });
const client = app.get(FLOWS);
await client.connect();
for (const { how, pattern, data, options } of JSON.parse(calls)) {
  const record =
    options === undefined ? data : new RmqRecordBuilder(data).setOptions(options).build();
  const said = await lastValueFrom(client[how](pattern, record), { defaultValue: null }).then(
    (value) => ({ value: value ?? null }),
    (error) => ({ error }),
  );
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
await app.close();
