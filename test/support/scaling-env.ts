/** Settings under which scaling is fast enough for a test; the rules are those of production. */
export const FAST_SCALING = {
  BATUTA_SCALING_MIN_WORKERS: "1",
  BATUTA_QUEUE_HIGH_WATERMARK: "20",
  BATUTA_QUEUE_LOW_WATERMARK: "10",
  BATUTA_SCALING_EVALUATION_INTERVAL: "500ms",
  BATUTA_SCALING_UP_COOLDOWN: "1s",
  BATUTA_SCALING_DOWN_COOLDOWN: "500ms",
  BATUTA_SCALING_DOWN_STABILIZATION: "1s",
} as const;
