-- Rows with NULL, zero, negative and very large values.
create table t (id bigint, day date, other date, n bigint, by_n bigint, m decimal(28, 4), r decimal(18, 8), h hugeint, k varchar, x varchar,
    b boolean);
insert into t values
    (1, date '2026-03-01', date '2026-02-27', 7, 2, 12.3450, 7.12345678, 170000000000000000000, 'tb/1/red', 'a', true),
    (2, date '2026-03-01', null, -7, 2, -12.3450, 0.00000001, -5, 'tb/T200P0012345/*', null, false),
    (3, null, date '2026-01-31', 0, 0, 0.0000, null, 0, '', 'a' || chr(10), null),
    (4, date '2024-02-29', date '2025-03-01', null, 3, null, 1.5, null, null, 'é_0-1', true),
    (5, date '2026-03-02', date '2026-03-02', 5, -2, 9999999999999999.9999, 0.5, 9007199254740993, 'ab\cd', 'x|y', false);
create table d (k varchar, since date, v varchar, rate decimal(18, 8));
insert into d values
    ('tb/1/red', date '2026-01-01', 'first', 1), ('tb/1/red', date '2026-02-01', 'second', 2), ('tb/1/red', date '2026-04-01', 'later', 3),
    ('', date '2020-01-01', 'empty', null), (null, date '2020-01-01', 'null', 5), ('ab\cd', date '2026-03-02', 'same day', 6);
create table l (id bigint, items struct(price decimal(28, 4), quantity bigint, name varchar)[], words varchar[]);
insert into l values
    (1, [{'price': 2.5, 'quantity': 3, 'name': 'é "q"'}, {'price': 1, 'quantity': null, 'name': null}], ['b', 'a', 'b']),
    (2, [], []), (3, null, null), (4, [{'price': null, 'quantity': 0, 'name': ''}], ['x'])
