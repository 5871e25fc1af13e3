package store

// The ledger's statements. Where the two engines need different words, the
// first is SQLite's and the second PostgreSQL's: SQLite runs a statement once
// for each place of its slices, PostgreSQL takes the slices as arrays.

const (
	rowColumns   = "m.source_id, m.target_id, m.version, m.print, m.state, m.parent_id, m.base"
	shardColumns = "num, source_id, target_id, cursor, swept, cut, cut_at, cut_before, since"
)

var (
	lastPass  = both("SELECT num, began, ended, outcome FROM pass ORDER BY num DESC LIMIT 1")
	allPasses = both("SELECT num, began, ended, outcome FROM pass ORDER BY num")
	beginPass = both("INSERT INTO pass (num, began, ended, outcome) VALUES ($1, $2, 0, '')")
	endPass   = both("UPDATE pass SET ended = $1, outcome = $2 WHERE ended = 0")
	rewind    = both("UPDATE shard SET cursor = $1, swept = 0")

	allShards   = both("SELECT " + shardColumns + " FROM shard ORDER BY num")
	findShard   = both("SELECT " + shardColumns + " FROM shard WHERE source_id = $1")
	insertShard = both(`INSERT INTO shard (num, source_id, cursor, swept)
		SELECT coalesce(max(num), 0) + 1, $1, $2, 0 FROM shard WHERE true`)
	lockShard = statement{
		"SELECT target_id FROM shard WHERE num = $1",
		"SELECT target_id FROM shard WHERE num = $1 FOR UPDATE"}
	targetOf  = both("SELECT target_id FROM shard WHERE num = $1")
	setTarget = both("UPDATE shard SET target_id = $1 WHERE num = $2")
	setCursor = both("UPDATE shard SET cursor = $1 WHERE num = $2")
	setSwept  = both("UPDATE shard SET swept = 1 WHERE num = $1")
	setSince  = both("UPDATE shard SET since = $1 WHERE num = $2")
	setCut    = both("UPDATE shard SET cut = $1, cut_at = $2, cut_before = $3 WHERE num = $4")
	// spellParents writes out the parents that were the shard's old target.
	spellParents = both("UPDATE m SET parent_id = $1 WHERE shard = $2 AND parent_id = $3")

	lookupRows = statement{
		"SELECT " + rowColumns + " FROM m WHERE shard = $1 AND source_id = $2",
		"SELECT " + rowColumns + " FROM m WHERE shard = $1 AND source_id = ANY($2::bytea[])"}
	rowsFrom = both("SELECT " + rowColumns + ` FROM m
		WHERE shard = $1 AND source_id >= $2 AND source_id < $3 ORDER BY source_id LIMIT $4`)
	rowsAfter = both("SELECT " + rowColumns + ` FROM m
		WHERE shard = $1 AND source_id > $2 AND source_id < $3 ORDER BY source_id LIMIT $4`)
	countOf  = both("SELECT count(*) FROM m WHERE shard = $1")
	findRows = statement{
		`SELECT s.num, m.source_id, m.target_id, s.target_id, m.state
			FROM shard s CROSS JOIN m WHERE m.shard = s.num AND m.source_id = $1`,
		`SELECT s.num, m.source_id, m.target_id, s.target_id, m.state
			FROM m JOIN shard s ON s.num = m.shard WHERE m.source_id = ANY($1::bytea[])`}
	// For the sieve, in SQLite only.
	findInShard = statement{sqlite: `SELECT s.num, m.source_id, m.target_id, s.target_id, m.state
		FROM shard s CROSS JOIN m WHERE s.num = $1 AND m.shard = $1 AND m.source_id = $2`}
	countAll    = statement{sqlite: "SELECT count(*) FROM m"}
	allKeys     = statement{sqlite: "SELECT shard, source_id FROM m"}
	countShards = statement{sqlite: "SELECT count(*) FROM shard"} // they are numbered without gaps

	findAliases = statement{
		`SELECT s.num, m.source_id, m.target_id, s.target_id, m.state, a.alias
			FROM alias a JOIN m ON m.shard = a.shard AND m.source_id = a.source_id
			JOIN shard s ON s.num = m.shard WHERE a.alias = $1`,
		`SELECT s.num, m.source_id, m.target_id, s.target_id, m.state, a.alias
			FROM alias a JOIN m ON m.shard = a.shard AND m.source_id = a.source_id
			JOIN shard s ON s.num = m.shard WHERE a.alias = ANY($1::bytea[])`}

	putRows = statement{
		`INSERT OR REPLACE INTO m (shard, source_id, target_id, version, print, state, parent_id, base)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		`INSERT INTO m (shard, source_id, target_id, version, print, state, parent_id, base)
			SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::smallint[], $7::bytea[], $8::bytea[])
			ON CONFLICT (shard, source_id) DO UPDATE SET target_id = excluded.target_id, version = excluded.version,
				print = excluded.print, state = excluded.state, parent_id = excluded.parent_id, base = excluded.base`}
	putIntents = statement{
		`INSERT OR REPLACE INTO intent (shard, source_id, op, target_id, container_id, parent_id, version, shape, mark, at, session)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		`INSERT INTO intent (shard, source_id, op, target_id, container_id, parent_id, version, shape, mark, at, session)
			SELECT $1, * FROM unnest($2::bytea[], $3::smallint[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bytea[], $10::bigint[], $11::bytea[])
			ON CONFLICT (shard, source_id) DO UPDATE SET op = excluded.op, target_id = excluded.target_id,
				container_id = excluded.container_id, parent_id = excluded.parent_id, version = excluded.version,
				shape = excluded.shape, mark = excluded.mark, at = excluded.at, session = excluded.session`}
	putFailures = statement{
		"INSERT OR REPLACE INTO failure (shard, source_id, class, reason) VALUES ($1, $2, $3, $4)",
		`INSERT INTO failure (shard, source_id, class, reason)
			SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::bytea[])
			ON CONFLICT (shard, source_id) DO UPDATE SET class = excluded.class, reason = excluded.reason`}
	putAliases = statement{
		"INSERT OR REPLACE INTO alias (shard, alias, source_id) VALUES ($1, $2, $3)",
		`INSERT INTO alias (shard, alias, source_id)
			SELECT $1, * FROM unnest($2::bytea[], $3::bytea[])
			ON CONFLICT (alias) DO UPDATE SET shard = excluded.shard, source_id = excluded.source_id`}
	putLinks = statement{
		"INSERT OR REPLACE INTO link (shard, source_id, alias) VALUES ($1, $2, $3)",
		`INSERT INTO link (shard, source_id, alias)
			SELECT $1, * FROM unnest($2::bytea[], $3::bytea[]) ON CONFLICT DO NOTHING`}

	dropRows     = dropOf("m")
	dropIntents  = dropOf("intent")
	dropFailures = dropOf("failure")
	dropLinks    = dropOf("link")
	anyFailure   = both("SELECT 1 FROM failure WHERE shard = $1 LIMIT 1")
	anyLink      = both("SELECT 1 FROM link WHERE shard = $1 LIMIT 1")
	anyIntent    = both("SELECT 1 FROM intent WHERE shard = $1 LIMIT 1")

	listIntents = both(`SELECT source_id, op, target_id, container_id, parent_id, version, shape, mark, at, session
		FROM intent WHERE shard = $1`)
	listFailures = both("SELECT source_id, class, reason FROM failure WHERE shard = $1")
	listDangling = both(`SELECT l.source_id, l.alias FROM link l JOIN alias a ON a.alias = l.alias
		JOIN m ON m.shard = a.shard AND m.source_id = a.source_id
		WHERE l.shard = $1 AND m.target_id IS NOT NULL`)
	listLinks   = both("SELECT source_id, alias FROM link WHERE shard = $1 ORDER BY source_id, alias")
	listAliases = both("SELECT alias, shard, source_id FROM alias ORDER BY alias")

	countRows     = both("SELECT substr(source_id, 1, 1), state, count(*) FROM m GROUP BY 1, 2")
	countFailures = both("SELECT substr(source_id, 1, 1), class, count(*) FROM failure GROUP BY 1, 2")
	countIntents  = both("SELECT count(*) FROM intent")
	countLinks    = both("SELECT count(*) FROM link")

	shardRows     = both("SELECT shard, substr(source_id, 1, 1), count(*) FROM m WHERE state <> $1 GROUP BY 1, 2")
	shardFailures = both("SELECT shard, count(*) FROM failure GROUP BY 1")
	shardIntents  = both("SELECT shard, count(*) FROM intent GROUP BY 1")
	shardLinks    = both("SELECT shard, count(*) FROM link GROUP BY 1")

	forgetAll = []statement{
		forgetOf("m"), forgetOf("intent"), forgetOf("failure"), forgetOf("alias"), forgetOf("link"),
		forgetOf("shard"), forgetOf("pass"),
	}
)

// dropOf deletes the rows of the named keys of a shard.
func dropOf(table string) statement {
	return statement{
		"DELETE FROM " + table + " WHERE shard = $1 AND source_id = $2",
		"DELETE FROM " + table + " WHERE shard = $1 AND source_id = ANY($2::bytea[])"}
}

func forgetOf(table string) statement {
	return statement{"DELETE FROM " + table, "TRUNCATE " + table}
}
