export interface ErrorCode {
  readonly retryable: "yes" | "no" | "depends";
  readonly meaning: string;
}

/**
 * Codes of failed nodes and executions that the engine and the core node types give; docs/flows.md
 * shows the table, and a test finds every code of the sources here.
 */
export const ENGINE_ERROR_CODES: Readonly<Record<string, ErrorCode>> = {
  BAD_OUTPUT: {
    retryable: "no",
    meaning: "the node answered with what is not JSON, or on a port it does not have",
  },
  BAD_RESPONSE: {
    retryable: "no",
    meaning: "http-request: the response says that it is JSON and is not",
  },
  CANCELLED: { retryable: "no", meaning: "the node was stopped because the execution ends" },
  CONFIG: {
    retryable: "no",
    meaning: "the config does not fit the node type once its templates are filled in",
  },
  EXPRESSION: {
    retryable: "no",
    meaning: "an expression failed, such as by a field that is not there",
  },
  FAILED: { retryable: "depends", meaning: "a fail node without a code of its own" },
  HTTP_nnn: {
    retryable: "depends",
    meaning: "http-request: the server answered with a status of 400 or more",
  },
  INPUTS: { retryable: "no", meaning: "the inputs do not satisfy the schema of the flow" },
  INTERNAL: {
    retryable: "depends",
    meaning:
      "the code of a node type threw something unexpected; not retryable where its effects are unsafe",
  },
  LIMIT: { retryable: "no", meaning: "more node runs than settings.maxNodeRuns" },
  MERGE: { retryable: "no", meaning: "merge: a value does not fit the mode" },
  NETWORK: {
    retryable: "yes",
    meaning: "http-request: the server cannot be reached, or the connection broke",
  },
  NOT_A_LIST: {
    retryable: "no",
    meaning: "data-filter, data-map: there is no list to work through",
  },
  OUTPUT_TOO_LARGE: {
    retryable: "no",
    meaning: "an output or a response is larger than maxOutputBytes",
  },
  TIMEOUT: {
    retryable: "yes",
    meaning: "a node, a request or the whole flow took longer than it may",
  },
  UNCERTAIN: { retryable: "no", meaning: "an effect that cannot be repeated may have happened" },
  UNSUPPORTED: { retryable: "no", meaning: "the worker does not have the node type" },
};
