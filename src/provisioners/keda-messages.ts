/**
 * The messages of KEDA's externalscaler.proto that a scaler answers with, in the wire format of protobuf.
 * A few numbered fields: a compiler of .proto files would be another dependency, and they never change.
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** The one metric that is told; each scaler of KEDA has its own names. */
const METRIC_NAME = "desired_workers";

/** IsActiveResponse: whether there is to be any worker. */
export function isActiveResponse(isActive: boolean): Buffer {
  return isActive ? tagged(1, VARINT, Buffer.of(1)) : Buffer.alloc(0);
}

/** GetMetricSpecResponse: one worker for each of the metric, so that it is their number. */
export function metricSpecResponse(): Buffer {
  const size = 1;
  const spec = [
    text(1, METRIC_NAME),
    tagged(2, VARINT, varint(size)), // KEDA before 2.10 reads whole numbers
    tagged(3, FIXED64, double(size)),
  ];
  return message(1, spec);
}

/** GetMetricsResponse: how many workers there are to be. */
export function metricsResponse(desired: number): Buffer {
  const value = [
    text(1, METRIC_NAME),
    tagged(2, VARINT, varint(desired)),
    tagged(3, FIXED64, double(desired)),
  ];
  return message(1, value);
}

function message(field: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return tagged(field, BYTES, Buffer.concat([varint(body.length), body]));
}

function text(field: number, value: string): Buffer {
  return message(field, [Buffer.from(value, "utf8")]);
}

function tagged(field: number, wireType: number, value: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | wireType), value]);
}

/** Of a number that is not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.of(...bytes, rest);
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
