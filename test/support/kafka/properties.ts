/** What the listeners with a password accept. */
export const KAFKA_USER = 'originscope';
export const KAFKA_PASSWORD = 'a-password-for-tests';

/** The listeners of a broker, each on a separate port. */
export const LISTENERS = {
  plaintext: 'PLAINTEXT',
  sasl: 'SASL_PLAINTEXT',
  tls: 'SSL',
  /** Requires a client certificate. */
  mutualTls: 'SSL',
  saslTls: 'SASL_SSL',
  controller: 'PLAINTEXT',
} as const;
export type Listener = keyof typeof LISTENERS;
export type Ports = Readonly<Record<Listener, number>>;

export interface NodeOptions {
  readonly id: number;
  readonly ports: Ports;
  /** The ports that clients and other nodes are told to use. */
  readonly advertised: Ports;
  /** The controller port of every node, by its id. */
  readonly controllers: ReadonlyMap<number, number>;
  readonly dataDirectory: string;
  /** A PEM file with a key and its certificate. */
  readonly keyStore: string;
  /** A PEM file with the certificates that are trusted. */
  readonly trustStore: string;
}

const SASL_LISTENERS = ['sasl', 'saslTls'] as const;

/** server.properties of one node that is broker and controller (KRaft). */
export function serverProperties(options: NodeOptions): Readonly<Record<string, string | number>> {
  const { id, ports, controllers } = options;
  const names = Object.keys(LISTENERS) as Listener[];
  const addresses = (listeners: readonly Listener[], at: Ports): string =>
    listeners.map((name) => `${name.toUpperCase()}://127.0.0.1:${at[name]}`).join(',');
  const replicas = Math.min(3, controllers.size);
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    ...(controllers.size === 1
      ? { 'controller.quorum.bootstrap.servers': `127.0.0.1:${ports.controller}` }
      : {
          'controller.quorum.voters': [...controllers]
            .map(([node, port]) => `${node}@127.0.0.1:${port}`)
            .join(','),
        }),
    listeners: addresses(names, ports),
    'advertised.listeners': addresses(
      names.filter((name) => name !== 'controller'),
      options.advertised,
    ),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': names
      .map((name) => `${name.toUpperCase()}:${LISTENERS[name]}`)
      .join(','),
    'log.dirs': options.dataDirectory,
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.min(2, replicas),
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': Math.min(2, replicas),
    'group.initial.rebalance.delay.ms': 0,
    // A group may be given up as late or as early as a test wants.
    'group.min.session.timeout.ms': 1_000,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...Object.assign({}, ...SASL_LISTENERS.map(saslProperties)),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': options.keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': options.trustStore,
    'listener.name.mutualtls.ssl.client.auth': 'required',
  };
}

function saslProperties(listener: (typeof SASL_LISTENERS)[number]): Record<string, string> {
  const prefix = `listener.name.${listener.toLowerCase()}`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    [`${prefix}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required user_${KAFKA_USER}="${KAFKA_PASSWORD}";`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}
