-- Queries of constructs that are rewritten for Spark, by title; what they read is made by rows.sql.

-- title: days between dates
select id, day - other as days, abs(day - other) <= 3 as near from t

-- title: days added and taken away
select id, day - 1 as a, day + 2 as b, day - n::int as c, last_day(day) - day + n as d from t

-- title: a variable that is a day
select id, getvariable('today') - 1 as yesterday, day = getvariable('today') as is_today from t

-- title: whole division
select id, n // (by_n + 10) as a, h // 3 as b, (m * 10000)::hugeint // (r * 100000000)::hugeint as c from t where h is not
    null

-- title: remainder
select id, n % (by_n + 10) as a, h % 10 as b from t

-- title: sign
select id, sign(m) * r as a from t

-- title: half away from zero
select id, round((m * r)::decimal(36, 10) * 100, 0) * 0.01 as a, m::decimal(28, 2) as b, round(m, 1) as c from t where
    id <> 5

-- title: products and sums of decimals
select id, (m * r)::decimal(38, 12) as a, m + r as b, m - 0.5 as c, m * 0.0001 as d from t

-- title: to whole numbers
select id, (m * 1)::bigint as a, r::int as b, m::hugeint as c, b::int as d from t

-- title: ceiling
select id, ceil((n * r)::decimal(36, 8) * 0.01)::decimal(28, 4) as a from t

-- title: numbers and days as text
select id, concat(m, ' ', day, ' ', n, ' ', b) as a, m::varchar as b, day::varchar as c from t

-- title: NULL in a text
select id, concat(k, x) as a, k || x as b, concat_ws('/', k, nullif(x, 'a'), n) as c from t

-- title: parts of a text
select id, split_part(k, '/', -1) as a, split_part(k, '/', 2) as b, k[2:] as c, substr(k, n::bigint, 3) as d, left(k,
    (length(k) // 2)::bigint) as e from t where n > 0 or n is null

-- title: text with a backslash
select id from t where k = 'ab\cd'

-- title: regular expressions
select id, regexp_replace(k, '(^|/)T200P(\d{6,})$', '\1\2', 'g') as a, regexp_replace(k, '(^|/)0+(\d+)', '\1\2', 'g')
    as b, regexp_matches(k, '[^/][-_]\d{1,2}$') as c, regexp_full_match(k, '[^/]*/') as d from t

-- title: the end of a text is behind its last line
select id, regexp_matches(x, 'a$') as a, regexp_replace(x, '\s+', '', 'g') as b from t

-- title: what a pattern finds
select id, list_sort(list_distinct(regexp_extract_all(k, '[A-Za-z0-9]+'))) as a from t

-- title: a month
select id, strftime(day, '%Y-%m') as a from t

-- title: a text that may be a day
select id, try_cast(v as date) as a from (select 1 as id, '2026-01-02' as v union all select 2, '2026' union all
    select 3, '2026-13-01' union all select 4, null from t) as s

-- title: digests
select id, md5(k) as a, md5_number_lower(k) % 2147483647 as b from t where k is not null

-- title: distances
select id, levenshtein(k, 'tb/1/der') as a, damerau_levenshtein(k, 'bt/1/red') as b from t where k is not null

-- title: NULL first or last
select id, row_number() over (order by n, id) as a, row_number() over (order by n desc, id) as b, row_number() over
    (order by n desc nulls last, id) as c from t

-- title: rows that qualify
select id, k from t qualify row_number() over (partition by b order by n, id) = 1

-- title: a condition on a window
select id, count(*) filter (where n > 0) over (partition by b) as a, sum(n) filter (where n > 0) over in_b as s from t
    window in_b as (partition by b)

-- title: a frame on a named window
select id, coalesce(sum(n) over (w rows between unbounded preceding and 1 preceding), 0)::bigint as a, lead(id) over w
    as c from t window w as (partition by b order by id)

-- title: conditions on aggregates
select b, count(*) filter (where n > 0) as a, bool_or(n > 0) as c, bool_and(n > 0) filter (where n is not null) as d,
    sum(m) as s, max(n) filter (where n > 100) as e from t group by all

-- title: columns left out and replaced
select * exclude (r, x) replace (coalesce(n, 0) as n) from t

-- title: a union by name
select id, n from t union all by name select id, k as name, 1.5 as n from t union all by name select x as name from t

-- title: semi and anti joins
select id from t semi join d using (k) union all select id from t anti join d using (k)

-- title: joins that share a column
select id, k, v from t full join d using (k)

-- title: as of a day
select t.id, d.v, d.rate from t asof left join d on t.k = d.k and t.day >= d.since

-- title: as of the day before
select t.id, d.v from t asof join d on t.k = d.k and t.day > d.since

-- title: twice as of a day
select t.id, d.v, e.v as w from t asof left join d on t.k = d.k and t.day >= d.since asof left join d as e on '' = e.k
    and t.day >= e.since left join d as f on f.k = coalesce(e.v, '') where f.k is null

-- title: rows as values
with p as (select a, c from t as a inner join t as c on a.id = c.by_n) select a.id, c.k, a.day - c.other as days from
    p

-- title: a subquery that knows the row
select id, exists (select 1 from d where d.k in ('', t.k) and d.since <= t.day) as b, 'x' in (select v from d where d.k = t.k) as c from t

-- title: a list in an order
select b, list(k order by n, id) as a, list(distinct b order by b) as c, list({'k': k, 'n': n} order by id)[1:2] as d,
    list(k order by id) filter (where n > 100) as e from t group by b

-- title: texts joined
select b, string_agg(distinct k, ', ' order by k) as a from t group by b

-- title: elements and stretches of a list
select id, items[1].name as a, items[3].name as b, words[1:2] as c, words[2:] as d, len(items) as e from l

-- title: lists filtered and made
select id, len(list_filter(items, lambda i: i.price > 1)) as a, list_transform(words, lambda w: w || '!') as b,
    list_contains(words, 'a') as c, array_to_string(list_sort(words), ', ') as d from l

-- title: lists with an element in common
select id, list_has_any(words, ['a', 'x']) as a, list_has_any(words, ['z', null]) as b from l

-- title: lists with one more
select id, list_prepend('z', words) as a, list_append(words, 'z') as b from l where words is not null

-- title: series
select id, list_transform(range(1, n), lambda i: i * 2) as a, list_transform(generate_series(1, n), lambda i: i) as b
    from t where n is not null

-- title: a row an element
select id, unnest(words) as w from l

-- title: a row an element, with its place
select id, unnest(items) as item, generate_subscripts(items, 1) as place from l

-- title: JSON
select id, to_json(items)::varchar as a, to_json(list_transform(items, lambda i: struct_insert(i, more :=
    id)))::varchar as b from l where items is not null

-- title: no list as JSON
select b, to_json(list({'k': k, 'day': day, 'm': m::varchar} order by id) filter (where n > 5))::varchar as a from t
    group by b

-- title: lists of JSON one behind the other
select to_json(flatten(list(e::json[] order by e)))::varchar as a
from (select to_json(list_transform(items, lambda i: {'n': i.quantity, 'name': i.name}))::varchar as e from l where items is not null) as s

-- title: numbers of a decimal as units
select id, units(m) as a, mistyped(units(m), units(m) * 10) as b, deposit_share(units(m), units(m) * 10, 100) as c
    from t

-- title: digits that changed places
select digits_swapped(v, w) as a, v from (select 1234 as v, 1324 as w union all select 10, 1 union all select 12, 21)
    as s

-- title: pieces of lines
select id, misentered(300000::hugeint, lines) as a, lacks_pieces(50000::hugeint, lines) as b
from (select id, list_transform(list_filter(items, lambda i: i.price > 0 and i.quantity > 0),
    lambda i: {'price': units(i.price), 'quantity': i.quantity::hugeint}) as lines from l) as s

-- title: a key in its normal form
select id, normal_key(k) as a, folded(k) as b, list_sort(remark_ids(k)) as c, party_of(k) as d from t

-- title: qualify, of a column that has another one's name outside
select t.id, d.since as day, t.m as n from t inner join d as d on t.k = d.k where t.id > 0
    qualify row_number() over (partition by t.id order by d.since desc) = 1 and t.n >= max(t.n) over (partition by t.k)
    and t.day >= date '2026-03-01'

-- title: whole numbers of any size within lists
select id, [{'h': h, 'n': n}] as a, h as b from t where h is not null

-- title: whether there is a row, asked of the rows of a union
with u as (select id, k, n from t where n > 0 union all select id, k, by_n from t where n <= 0)
select u.id, case when u.n > 3 then 'many' when exists (select 1 from d as d where d.k in ('', u.k)) then 'known' else u.k end as a from u
