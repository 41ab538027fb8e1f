import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

/** What is promised of every container of ours: no root, no capabilities, nothing of its image can be written. */

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

const composeSchema = z.object({
	services: z.record(
		z.string(),
		z.object({
			read_only: z.literal(true),
			cap_drop: z.tuple([z.literal('ALL')]),
			security_opt: z.tuple([z.literal('no-new-privileges:true')]),
			privileged: z.undefined().optional(),
			cap_add: z.undefined().optional(),
		}),
	),
});

const probeSchema = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const deploymentSchema = z.object({
	metadata: z.object({ name: z.string() }),
	spec: z.object({
		selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
		template: z.object({
			metadata: z.object({ labels: z.record(z.string(), z.string()) }),
			spec: z.object({
				automountServiceAccountToken: z.literal(false),
				hostNetwork: z.undefined().optional(),
				terminationGracePeriodSeconds: z.number().min(35),
				securityContext: z.object({
					runAsNonRoot: z.literal(true),
					runAsUser: z.int().positive(),
					seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
				}),
				containers: z.array(
					z.object({
						securityContext: z.strictObject({
							allowPrivilegeEscalation: z.literal(false),
							readOnlyRootFilesystem: z.literal(true),
							capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
						}),
						resources: z.object({
							requests: z.object({ cpu: z.string(), memory: z.string() }),
							limits: z.object({ memory: z.string() }),
						}),
						startupProbe: probeSchema,
						livenessProbe: probeSchema,
						readinessProbe: probeSchema,
						ports: z.array(z.object({ name: z.string() })),
						env: z.array(z.object({ name: z.string(), value: z.string() })),
						volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
					}),
				),
				volumes: z.array(z.object({ name: z.string(), emptyDir: z.object({ sizeLimit: z.string() }) })),
			}),
		}),
	}),
});
const namedSchema = z.object({
	apiVersion: z.string(),
	kind: z.string(),
	metadata: z.object({ name: z.string() }),
});

/** Every object of the manifests, as `kubectl apply -k` would take them. */
async function manifests(): Promise<unknown[]> {
	const { resources } = z
		.object({ resources: z.array(z.string()) })
		.parse(parse(await read('deploy/kubernetes/kustomization.yaml')));
	const files = (await readdir(new URL('deploy/kubernetes/', root))).filter(
		(name) => name !== 'kustomization.yaml',
	);
	expect([...resources].sort()).toEqual(files.sort());
	const texts = await Promise.all(resources.map((name) => read(`deploy/kubernetes/${name}`)));
	return texts.flatMap((text) =>
		parseAllDocuments(text).map((document) => {
			expect(document.errors).toEqual([]);
			return document.toJS();
		}),
	);
}

async function ofKind(kind: string): Promise<unknown[]> {
	return (await manifests()).filter((object) => namedSchema.parse(object).kind === kind);
}

describe('containers', () => {
	it.each(['api', 'worker'])('the image of the %s runs Node 24 as another user than root', async (app) => {
		const lines = (await read(`deploy/${app}.Dockerfile`)).split('\n');
		expect(lines.filter((line) => line.startsWith('FROM '))).toEqual([
			'FROM node:24-bookworm-slim AS build',
			'FROM node:24-bookworm-slim',
		]);
		expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
		expect(
			lines.filter((line) => /npm (?:ci|install)/.test(line)).every((line) => line.includes('npm ci')),
		).toBe(true);
	});

	it('of docker compose cannot write to their images, and have no capabilities', async () => {
		const { services } = composeSchema.parse(parse(await read('docker-compose.yml'), { merge: true }));
		expect(Object.keys(services)).toEqual(expect.arrayContaining(['api', 'worker', 'redis']));
	});

	it('of Kubernetes neither, with limits, probes and room for what they write', async () => {
		const deployments = (await ofKind('Deployment')).map((object) => deploymentSchema.parse(object));
		expect(deployments.map(({ metadata }) => metadata.name)).toEqual(['facet-api', 'facet-worker']);
		for (const { spec } of deployments) {
			expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
			for (const container of spec.template.spec.containers) {
				const ports = container.ports.map(({ name }) => name);
				expect([container.startupProbe, container.livenessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
					'/healthz',
					'/healthz',
				]);
				expect(container.readinessProbe.httpGet.path).toBe('/readyz');
				expect(ports).toContain(container.livenessProbe.httpGet.port);
				const volumes = spec.template.spec.volumes.map(({ name }) => name);
				expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort());
			}
		}
	});

	it('are set by variables that there are', async () => {
		const known = await read('docs/configuration.md');
		const configured = z.object({ data: z.record(z.string(), z.string()) });
		const names = [
			...(await ofKind('ConfigMap')).flatMap((object) => Object.keys(configured.parse(object).data)),
			...(await ofKind('Deployment')).flatMap((object) =>
				deploymentSchema
					.parse(object)
					.spec.template.spec.containers.flatMap(({ env }) => env.map(({ name }) => name)),
			),
		];
		for (const name of names) expect(known).toContain(`\`${name}\``);
	});
});

describe('the network of Kubernetes', () => {
	it('is closed but for what is named, and has no way from media to private networks', async () => {
		const policies = await ofKind('NetworkPolicy');
		const closed = z.object({
			spec: z.strictObject({
				podSelector: z.object({ matchLabels: z.object({ 'app.kubernetes.io/part-of': z.literal('facet') }) }),
				policyTypes: z.tuple([z.literal('Ingress'), z.literal('Egress')]),
			}),
		});
		expect(policies.filter((policy) => closed.safeParse(policy).success)).toHaveLength(1);
		const text = JSON.stringify(policies);
		for (const network of [
			'10.0.0.0/8',
			'169.254.0.0/16',
			'172.16.0.0/12',
			'192.168.0.0/16',
			'100.64.0.0/10',
		]) {
			expect(text).toContain(network);
		}
	});

	it('keeps some of each process through the work on nodes', async () => {
		const names = [await ofKind('PodDisruptionBudget'), await ofKind('HorizontalPodAutoscaler')].map(
			(objects) => objects.map((object) => namedSchema.parse(object).metadata.name),
		);
		expect(names).toEqual([
			['facet-api', 'facet-worker'],
			['facet-api', 'facet-worker'],
		]);
	});
});
