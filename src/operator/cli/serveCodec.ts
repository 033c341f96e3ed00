import { loadCodecServerConfig } from '../../config/config';
import { EncryptionCodec } from '../../platform/encryption/codec';
import { codecServer } from '../../platform/encryption/codecServer';

/** `zendesk-pms-sync codec-server`: runs until it receives a signal to stop. */
export async function serveCodec(): Promise<void> {
  const config = loadCodecServerConfig(process.env);
  const server = codecServer({
    codec: new EncryptionCodec(config.encryptionKeys),
    token: config.codecServerToken,
    origins: config.codecServerOrigins,
  });
  const address = await server.listen({ host: config.codecServerHost, port: config.codecServerPort });
  console.log(`Codec server: ${address} (open it once in the browser that shows the Web UI); Ctrl-C stops`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}
