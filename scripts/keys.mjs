import { Failure } from './failure.mjs';
import { parseKeysCommand } from './keys/command.mjs';
import { openCallerStore } from './keys/open-caller-store.mjs';
import { printCallers, printSecrets } from './keys/print.mjs';
import { main } from './process/main.mjs';

await main(async () => {
	const command = parseKeysCommand(process.argv.slice(2));
	const callers = await openCallerStore();
	switch (command.name) {
		case 'create': {
			const { key, record } = await callers.create(command.caller, command.limits);
			console.log(`Made ${record.id}, "${record.name}". What follows is not shown again.`);
			printSecrets({ key, secret: record.webhookSecrets[0]?.secret });
			break;
		}
		case 'list':
			printCallers(await callers.list());
			break;
		case 'revoke': {
			const { id, name } = await changed(callers.revoke(command.id), command.id);
			console.log(`Revoked ${id}, "${name}": refused everywhere within two seconds. Its jobs run on.`);
			break;
		}
		case 'rotate-secret': {
			const { id, name, webhookSecrets } = await changed(callers.rotateSecret(command.id), command.id);
			console.log(`New webhook secret of ${id}, "${name}"; it is not shown again.`);
			printSecrets({ secret: webhookSecrets[0]?.secret });
			console.log('Webhooks carry signatures of the earlier secret too for the next 24 hours.');
			break;
		}
	}
	return 0;
});

/**
 * @template T
 * @param {Promise<T>} change
 * @param {string} id
 */
async function changed(change, id) {
	try {
		return await change;
	} catch (cause) {
		if (!(cause instanceof Error && 'code' in cause && cause.code === 'not_found')) throw cause;
		throw new Failure(`Expected the id of a key, got ${id}: see \`npm run keys -- list\``, { cause });
	}
}
