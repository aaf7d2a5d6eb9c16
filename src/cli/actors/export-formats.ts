export const EXPORT_FORMATS = ["json", "mermaid", "svg", "stately"] as const;

export interface ExportOptions {
  readonly format: (typeof EXPORT_FORMATS)[number];
  /** Undefined: to standard output. */
  readonly out?: string;
}
