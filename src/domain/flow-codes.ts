/**
 * Every code that `compileFlow` reports, with what it means. `E_` refuses the flow, `W_` only tells.
 * docs/flows.md shows this table; a test keeps the two together.
 */
export const FLOW_PROBLEM_CODES = {
  E_SCHEMA: "a field is missing or has the wrong type",
  E_LIMIT: "a number, a list, a text or a nesting is beyond its limit",
  E_DUP_NODE: "two nodes have the same id",
  E_UNKNOWN_NODE: "a connection names a node that is not there",
  E_UNKNOWN_TYPE: "no worker type of that name and version is known",
  E_UNKNOWN_PORT: "a connection uses a port that the node does not have",
  E_SELF_LOOP: "a node is connected to itself",
  E_CYCLE: "connections form a cycle; the detail prints it",
  E_DUP_CONN: "the same two ports are connected twice",
  E_CONFIG:
    "the config does not fit the node type, or two settings of a node contradict each other",
  E_EXPR_SYNTAX: "an expression or template cannot be read",
  E_EXPR_TYPE: "an expression can never work, such as adding a number to a text literal",
  E_EXPR_REF: "an expression names something that is not there, or not settled yet when it runs",
  E_EXPR_FORBIDDEN: "an expression uses something that could hang a worker",
  E_SECRET_INLINE: "a password, token or key stands in the flow as plain text",
  E_UNSUPPORTED: "the flow uses a feature that this version does not have",
  W_UNKNOWN_FIELD: "a field that Batuta does not know, and ignores",
  W_UNREACHABLE: "the node can never run",
  W_UNCONNECTED: "the node has no connection although others have",
  W_JOIN_ANY_EFFECT:
    "a node with effects takes whatever arrives first, which may differ on a retry",
  W_UNSAFE_RETRY: "a retry may repeat an effect that cannot be repeated safely",
} as const;

export type FlowProblemCode = keyof typeof FLOW_PROBLEM_CODES;
