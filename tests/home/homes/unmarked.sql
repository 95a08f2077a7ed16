BEGIN TRANSACTION;
CREATE TABLE accepted_failures (
	id INTEGER NOT NULL, 
	period DATE NOT NULL, 
	table_name VARCHAR NOT NULL, 
	expectation VARCHAR NOT NULL, 
	unexpected BIGINT NOT NULL, 
	detail VARCHAR NOT NULL, 
	accepted_by VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	accepted_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE approvals (
	period VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	PRIMARY KEY (period, digest, role)
);
CREATE TABLE computed_periods (
	period DATE NOT NULL, 
	opening VARCHAR NOT NULL, 
	parts TEXT NOT NULL, 
	PRIMARY KEY (period)
);
CREATE TABLE corrections (
	id INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	period VARCHAR NOT NULL, 
	leg VARCHAR NOT NULL, 
	entity VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	decision VARCHAR NOT NULL, 
	amount VARCHAR NOT NULL, 
	quantity VARCHAR NOT NULL, 
	shop VARCHAR NOT NULL, 
	order_id VARCHAR NOT NULL, 
	reason TEXT NOT NULL, 
	until VARCHAR NOT NULL, 
	decided_by VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);
CREATE TABLE decision_items (
	id INTEGER NOT NULL, 
	event VARCHAR NOT NULL, 
	"row" VARCHAR NOT NULL, 
	entry INTEGER NOT NULL, 
	items TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE decisions_taken_back (
	id INTEGER NOT NULL, 
	period VARCHAR NOT NULL, 
	taken_back_by VARCHAR NOT NULL, 
	entry INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	at VARCHAR NOT NULL, 
	actor VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	prev_hash VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(1,'2026-11-26T09:00:56.449514+00:00','pipeline','noted','{"n":1}','0000000000000000000000000000000000000000000000000000000000000000','bbf5ec824697afd1b36503d0840a62c01156ef62efbb9ee78fc0ea5d1d4c5092');
INSERT INTO "events" VALUES(2,'2026-11-26T09:00:56.457026+00:00','Li Na','noted','{"n":2}','bbf5ec824697afd1b36503d0840a62c01156ef62efbb9ee78fc0ea5d1d4c5092','0a4d2031bbee7de66e981d6dcaf9377544f24b1f89e0f68a465cb74853ed9213');
CREATE TABLE files (
	path VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	size BIGINT NOT NULL, 
	modified BIGINT NOT NULL, 
	status VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	shop VARCHAR NOT NULL, 
	landed VARCHAR NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (path)
);
CREATE TABLE homes (
	id VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	since VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "homes" VALUES('b032c1a1983a48798898ba1e0e2d15de','/tmp/ops/nowhome','2026-11-26T09:00:56+00:00');
CREATE TABLE manifests (
	period DATE NOT NULL, 
	version INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (period, version)
);
CREATE TABLE object_files (
	digest VARCHAR NOT NULL, 
	file TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE period_states (
	period DATE NOT NULL, 
	version INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	held_reasons VARCHAR NOT NULL, 
	approved_by VARCHAR NOT NULL, 
	PRIMARY KEY (period)
);
CREATE TABLE quality_results (
	period DATE NOT NULL, 
	table_name VARCHAR NOT NULL, 
	expectation VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	column_name VARCHAR NOT NULL, 
	severity VARCHAR NOT NULL, 
	success BOOLEAN NOT NULL, 
	unexpected BIGINT NOT NULL, 
	message VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	PRIMARY KEY (period, table_name, expectation)
);
CREATE TABLE table_files (
	period DATE NOT NULL, 
	files TEXT NOT NULL, 
	PRIMARY KEY (period)
);
CREATE TABLE versions (
	period DATE NOT NULL, 
	version INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	data_digest VARCHAR NOT NULL, 
	opening_digest VARCHAR NOT NULL, 
	closing_digest VARCHAR NOT NULL, 
	published_at DATETIME NOT NULL, 
	PRIMARY KEY (period, version)
);
CREATE INDEX ix_accepted_failures_period ON accepted_failures (period);
COMMIT;
