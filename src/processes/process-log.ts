/** Where a process logs to; a pino logger fits. Ids are fields, never part of the text. */
export interface ProcessLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
