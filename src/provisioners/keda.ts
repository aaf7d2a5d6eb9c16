import { NoProvisioner } from "./none.ts";

/** KEDA starts and stops workers: it asks how many there should be (`GET /scaling`, keda-scaler.ts). */
export class KedaProvisioner extends NoProvisioner {
  override readonly kind = "keda";
}
