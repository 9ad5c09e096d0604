export { EdgeFlowError, errorCodes, hasCode } from './errors.js';
export type { ErrorCode } from './errors.js';
export { QoS } from './qos.js';
export { topic } from './topic.js';
export type { Topic, TopicOptions } from './topic.js';

export { fromBroker } from './flow/fromBroker.js';
export type { FromBrokerOptions, PayloadMode } from './flow/fromBroker.js';
export { toBroker } from './flow/toBroker.js';
export type { ToBrokerOptions } from './flow/toBroker.js';
export type { RetryOptions } from './flow/retry.js';
export { subscriptionsClosed, useBroker } from './flow/runtime.js';
export { mapAsync } from './flow/mapAsync.js';
export type { AsyncWork, MapAsyncOptions } from './flow/mapAsync.js';
export { latestMap } from './flow/latestMap.js';
export { batch } from './flow/batch.js';
export type { BatchOptions } from './flow/batch.js';
export { leased } from './flow/leased.js';
export type { LeasedOptions } from './flow/leased.js';
export { detached } from './flow/detached.js';
export { fromPull } from './flow/fromPull.js';
export type { FromPullOptions } from './flow/fromPull.js';
export { lookBack } from './flow/lookBack.js';
export type { LookBackOptions } from './flow/lookBack.js';
export { leasingOperator } from './flow/operator.js';
export type { LeasingObserver } from './flow/operator.js';
export { emitTogether } from './flow/emitTogether.js';
export type { Delivery, Lease } from './flow/delivery.js';

export type {
  AckResult,
  Acknowledgement,
  Broker,
  BrokerConfig,
  Commit,
  CommitResult,
  DeadLetter,
  DeadLetterOptions,
  DeliveredMessage,
  Failure,
  GroupConsumer,
  GroupStats,
  LatestMessage,
  MessageRange,
  OnFull,
  PopLatestRequest,
  PopRequest,
  Publication,
  PushReceipt,
  RangeRequest,
  ReaderStats,
  ResetOptions,
  Retention,
  SweepOptions,
  SweepResult,
  Ticket,
  TopicDeclaration,
  TopicStats,
  WaitOptions,
} from './brokers/broker.js';
export type { OutgoingMessage, ReceivedMessage } from './message.js';
export { MemoryBroker } from './brokers/memory/memoryBroker.js';
export type { MemoryBrokerOptions } from './brokers/memory/memoryBroker.js';
export { connectBroker } from './brokers/connect.js';

export { System } from './system/system.js';
export { defineRecipe } from './system/recipe.js';
export type { Recipe } from './system/recipe.js';
export type { NodeOptions, SystemOptions, UseOptions } from './system/system.js';
export type { NodeExpectations } from './system/expects.js';
export type { Isolation } from './system/isolation.js';
export type { RunningSystem, RunOptions, SystemResult, TraceOptions } from './system/runningSystem.js';
export type { WatchedMessage, WatchOptions } from './system/watchTopic.js';
export type { LinkOptions, ShadowOptions } from './system/graph.js';
export { Linker } from './system/linker.js';
export type { NodeHandle } from './system/linker.js';
export { defineNode } from './system/node.js';
export type { NodeContext, NodeDefinition, NodeOperator } from './system/node.js';
export type { NodeReport, NodeStatus } from './system/replica.js';
export { RecordingReader, RecordingWriter } from './recording/format.js';
export type { Recorded, RecordedFrom } from './recording/format.js';
export { formatLedger } from './observe/ledger.js';
export type { Ledger, LinkLedger } from './observe/ledger.js';

export { EmbeddedBroker } from './brokers/embedded/embeddedBroker.js';
export { DualRedisBroker, RedisBroker } from './brokers/redis/redisBroker.js';
export type { EmbeddedBrokerOptions } from './brokers/embedded/embeddedBroker.js';
export type { Durability } from './brokers/embedded/directory.js';
export type { DualRedisBrokerOptions, RedisBrokerOptions } from './brokers/redis/redisBroker.js';
export type { RedisAddress, RedisEndpoint } from './brokers/redis/endpoint.js';
export type { RedisClientOptions } from './brokers/redis/redisBrokerBase.js';
export type { LocalRedisOptions } from './brokers/redis/localPair.js';
export type { CommonBrokerOptions } from './brokers/options.js';

export { serveDashboard } from './dashboard/serveDashboard.js';
export type { Dashboard } from './dashboard/serveDashboard.js';
export type { DashboardOptions, DashboardTls } from './dashboard/options.js';
export { redact, redactUrl } from './redact.js';
export type { LogFields } from './system/log.js';
export type { SystemGraph, SystemNode } from './system/systemGraph.js';
export type { LinkCounts } from './observe/linkMeter.js';
export type { SkipCounts, SkipReason } from './observe/skips.js';
export type { TraceStep } from './observe/trace.js';
export type { TraceQuery, TraceSummary } from './observe/traceStore.js';
export { health } from './observe/health.js';
export type { Health } from './observe/health.js';
export { metricsText } from './observe/metrics.js';
export { serveMetrics } from './observe/serveMetrics.js';
export type { MetricsServer, ServeMetricsOptions } from './observe/serveMetrics.js';
export type { NodeState, ObservedNode, ObservedSystem } from './observe/observed.js';

export { closest } from './closest.js';
export { afterMs, longestTimerMs, sleepMs } from './longTimer.js';
