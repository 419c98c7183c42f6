/**
 * The folder in which an agent or host keeps who it is: its key, its certificate, the CA; and the request that is under way.
 *
 * I1: the private key never leaves this machine, and its files are for the owner alone.
 * I2: key, certificate and CA are replaced as one.
 * I3: a request stays the same until its outcome is kept: repeated after a crash or a lost answer, it gets the same certificate.
 */

import { join } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { JsonObject } from '../model/json.ts';
import type { Identity, IdentityStore, IssuedIdentity } from '../ports/director.ts';
import type { Certificates } from '../ports/x509.ts';
import { nodeStore } from './node-store.ts';

interface PendingRequest extends JsonObject {
  readonly privateKey: string;
  readonly request: string;
}

export function identityStore(folder: string, certificates: Certificates): IdentityStore {
  const store = nodeStore(folder);
  /** A crash came between keeping the outcome and forgetting the request. */
  const isOutcomeKept = async (request: PendingRequest): Promise<boolean> => {
    const kept = await store.read<JsonObject>('identity');
    return kept.state === 'found' && kept.body['privateKey'] === request.privateKey;
  };
  const pending = async (): Promise<PendingRequest> => {
    const read = await store.read<PendingRequest>('request');
    // A request that is damaged was answered by nobody that we could still understand: its token would be refused anyway.
    if (read.state === 'found' && !(await isOutcomeKept(read.body))) return read.body;
    const { privateKeyPem } = certificates.newKey();
    const made = { privateKey: privateKeyPem, request: certificates.createRequest(privateKeyPem) };
    await store.write('request', made);
    return made;
  };
  return {
    load: async () => {
      const read = await store.read<JsonObject>('identity');
      if (read.state === 'absent') return undefined;
      if (read.state === 'damaged') {
        throw new Fault('NodeStoreDamaged', `${read.message} Remove ${join(folder, 'identity.json')} and join again with a new token.`);
      }
      return read.body as unknown as Identity;
    },
    request: async () => (await pending()).request,
    save: async (issued: IssuedIdentity) => {
      const { privateKey } = await pending();
      const identity = { certificate: issued.certificate, privateKey, authority: issued.authority };
      await store.write('identity', identity);
      await store.remove('request');
      return identity;
    },
  };
}
