// Submits an application over mutual TLS and prints its id and state.
import { createPublicKey, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  AccessMode, ApplicationState, EndUse, PartyKind, PartyRole, Sector,
} from "../gen/safeconduct/applications/v1/model_pb.js";
import { ApplicationService } from "../gen/safeconduct/applications/v1/service_pb.js";

const read = (variable: string) => readFileSync(process.env[variable] ?? "");
const signatoryKey = createPublicKey(read("SIGNATORY_KEY")).export({ format: "jwk" }).x ?? "";

const applications = createClient(ApplicationService, createGrpcTransport({
  baseUrl: `https://${process.env.SAFECONDUCT_APPLICATIONS}`,
  nodeOptions: {
    ca: read("SAFECONDUCT_CA"), cert: read("SAFECONDUCT_CERT"), key: read("SAFECONDUCT_KEY"),
  },
}));

const { application } = await applications.submitApplication({
  requestId: randomUUID(), // a repeated request with this id gets the first answer again
  details: {
    parties: [
      { partyId: "applicant", roles: [PartyRole.APPLICANT], kind: PartyKind.ORGANISATION,
        name: "Example Model Access Inc.", country: "US", sector: Sector.COMMERCIAL },
      { partyId: "end-user", roles: [PartyRole.END_USER], kind: PartyKind.ORGANISATION,
        name: "Example Teaching Hospital", country: "DE", sector: Sector.HEALTHCARE },
      { partyId: "signatory", roles: [PartyRole.SIGNATORY], kind: PartyKind.PERSON,
        name: "Authorised Signatory of Example Teaching Hospital", country: "DE",
        signingAuthority: {
          publicKey: Buffer.from(signatoryKey, "base64url"),
          isAuthorized: true,
          bindsPartyId: "end-user",
        } },
    ],
    items: [{ modelId: "example-frontier-1", accessMode: AccessMode.HOSTED_ACCESS }],
    destinations: ["DE"],
    endUses: [EndUse.HEALTHCARE],
    endUserStatement: {
      partyId: "end-user", signedAt: timestampFromMs(Date.now() - 14 * 24 * 3_600_000),
      text: "The model drafts discharge letters. A clinician reads every text before use.",
    },
    safeguardStatement: { text: "Hosted access with refusal training and misuse monitoring." },
    validityDays: 365,
    monthlyMillionTokens: 100n,
    declaration: { isTrueAndComplete: true, declaredByPartyId: "applicant" },
  },
}, { timeoutMs: 10_000 });
console.log(application?.applicationId, ApplicationState[application?.state ?? 0]);
