import { BatutaError } from "../domain/errors.ts";

/** An actor that is alive has this address already. */
export class AddressTakenError extends BatutaError {
  override readonly name = "AddressTakenError";
  readonly code = "ADDRESS_TAKEN";
  readonly retryable = false;
}

/** The machine could not make its first state; `cause` says why. Nothing was started. */
export class ActorStartError extends BatutaError {
  override readonly name = "ActorStartError";
  readonly code = "ACTOR_START";
  readonly retryable = false;
}
