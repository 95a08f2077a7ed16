"""Constructs of a whole query that Spark does not have: rows joined as of a day, unions by name, rows as values, windows by name."""

from __future__ import annotations

from itertools import count

from sqlglot import exp

from duizhang.spark.untranslatable import Untranslatable

_DEEP = 3
_RANGES = (exp.GTE, exp.GT, exp.LTE, exp.LT)


def named_windows(tree: exp.Expr) -> None:
    """Put the definition of a window in place of its name, also where a frame is added to it."""
    for select in tree.find_all(exp.Select):
        named = {window.name: window for window in select.args.pop("windows", None) or []}
        if not named:
            continue
        for window in select.find_all(exp.Window):
            if window.args.get("alias") is not None and window.parent_select is select:
                of = named[window.args["alias"].name]
                window.set("alias", None)
                window.set("partition_by", [part.copy() for part in of.args.get("partition_by") or []])
                window.set("order", of.args["order"].copy() if of.args.get("order") else None)
                if not window.args.get("spec") and of.args.get("spec"):
                    window.set("spec", of.args["spec"].copy())


def hidden_sides(tree: exp.Expr) -> None:
    """What a semi or anti join looks at has no columns behind it, though a later `using` was read as if it had: they are those that it
    was held against."""
    for select in tree.find_all(exp.Select):
        meant: dict[tuple[str, str], exp.Expr] = {}
        for join in select.args.get("joins") or []:
            on, alias = join.args.get("on"), join.this.alias_or_name
            if on is None:
                continue
            for column in list(on.find_all(exp.Column)):
                if (column.table, column.name) in meant:
                    column.replace(meant[column.table, column.name].copy())
            if str(join.args.get("kind") or "").upper() in ("SEMI", "ANTI"):
                for equal in on.find_all(exp.EQ):
                    for mine, other in ((equal.left, equal.right), (equal.right, equal.left)):
                        if isinstance(mine, exp.Column) and mine.table == alias:
                            meant[alias, mine.name] = other
        own = {id(column) for join in select.args.get("joins") or [] for column in join.find_all(exp.Column)}
        for column in list(select.find_all(exp.Column)) if meant else []:
            if (column.table, column.name) in meant and column.parent_select is select and id(column) not in own:
                column.replace(meant[column.table, column.name].copy())


def whole_rows(tree: exp.Expr) -> None:
    """A source that is named like a column is its row: Spark wants to be told."""
    sources: dict[int, set[str]] = {}
    columns: list[tuple[int, exp.Expr]] = []
    for node in tree.find_all(exp.Table, exp.Subquery, exp.Column, exp.TableColumn):
        select = id(node.parent_select)
        if isinstance(node, (exp.Table, exp.Subquery)):
            sources.setdefault(select, set()).add(node.alias_or_name)
        elif not (isinstance(node, exp.Column) and node.table):
            columns.append((select, node))
    for select, column in columns:
        if column.name in sources.get(select, ()):
            column.replace(exp.Struct(expressions=[exp.Column(this=exp.Star(), table=exp.to_identifier(column.name))]))


def pairs_of_generators(tree: exp.Expr) -> None:
    """`unnest(x) as a, generate_subscripts(x, 1) as b` is one generator in Spark."""
    for select in tree.find_all(exp.Select):
        numbers = [p for p in select.selects if isinstance(p, exp.Alias) and _is_subscripts(p.this)]
        if not numbers:
            continue
        [number] = numbers
        [rows] = [p for p in select.selects if isinstance(p, exp.Alias) and isinstance(p.this, (exp.Unnest, exp.Explode))]
        listed = _unnested(rows.this)
        both = (
            f"inline(transform({listed.sql('spark', identify=True)}, (x, i) -> struct(x as `{rows.alias}`, "
            f"cast(i + 1 as bigint) as `{number.alias}`)))"
        )
        number.pop()
        rows.replace(exp.Var(this=both))


def _is_subscripts(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == "generate_subscripts"


def _unnested(node: exp.Expr) -> exp.Expr:
    inner: exp.Expr = node.expressions[0] if isinstance(node, exp.Unnest) else node.this
    return inner


def qualified(tree: exp.Expr) -> exp.Expr:
    """`qualify`: whether a row fulfils it becomes a column of the rows, and outside only those are taken of which it is true.

    The whole condition goes there, since a column that it names may have the name of another one outside.
    """
    for select in list(tree.find_all(exp.Select)):
        condition = select.args.pop("qualify", None)
        if condition is None:
            continue
        if any(select.args.get(part) for part in ("distinct", "order", "limit", "offset")):
            raise Untranslatable(f"qualify beside distinct, order or limit: {select.sql('duckdb')[:200]}")
        names, of = select.named_selects, "of_qualify"
        outer = exp.Select(expressions=[exp.alias_(exp.column(name, table=of), name) for name in names])
        if select is tree:
            tree = outer
        else:
            select.replace(outer)
        outer.set("with_", select.args.pop("with_", None))
        select.append("expressions", exp.alias_(exp.paren(condition.this.copy()), "is_qualified"))
        outer.set("from_", exp.From(this=exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier(of)))))
        outer.set("where", exp.Where(this=exp.column("is_qualified", table=of)))
    return tree


def unions_by_name(tree: exp.Expr) -> exp.Expr:
    """A union by name as one by place: every side lists the same columns, and NULL where it has none."""
    for union in reversed([u for u in tree.bfs() if isinstance(u, exp.Union) and u.args.get("by_name")]):
        left, right = union.left, union.right
        names = [*left.named_selects, *(n for n in right.named_selects if n not in left.named_selects)]
        union.set("this", _listing(left, names))
        union.set("expression", _listing(right, names))
        union.set("by_name", False)
    return tree


def _listing(query: exp.Query, names: list[str]) -> exp.Expr:
    if query.named_selects == names:
        return query.copy()
    of = "of_union"
    return exp.Select(
        expressions=[
            exp.alias_(exp.column(name, table=of), name) if name in query.named_selects else exp.alias_(exp.Null(), name) for name in names
        ],
    ).from_(exp.Subquery(this=query.copy(), alias=exp.TableAlias(this=exp.to_identifier(of))))


def prior_rows(tree: exp.Expr) -> None:
    """A join as of a day: the rows of each key are a list in order of their day; the last of it up to the day is joined.

    Rows on the left stay as many as they were.
    """
    numbers = count()
    for select in tree.find_all(exp.Select):
        joins: list[exp.Join] = []
        for join in select.args.get("joins") or []:
            joins += _as_of(join, f"asof_{next(numbers)}") if str(join.args.get("method") or "").upper() == "ASOF" else [join]
        if select.args.get("joins"):
            select.set("joins", joins)


def _as_of(join: exp.Join, listed: str) -> list[exp.Join]:
    table, alias = join.this, join.this.alias_or_name
    keys: dict[str, exp.Expr] = {}
    day: tuple[str, type[exp.Expr], exp.Expr] | None = None
    for condition in join.args["on"].flatten() if isinstance(join.args["on"], exp.And) else [join.args["on"]]:
        mine, other, kind = _sides(condition, alias)
        if kind is exp.EQ:
            keys[mine] = other
        elif kind in (exp.LTE, exp.LT) and day is None:
            day = (mine, kind, other)
        else:
            raise Untranslatable(f"a condition of a join as of a day: {condition.sql('duckdb')}")
    if day is None:
        raise Untranslatable(f"a join as of no day: {join.sql('duckdb')}")
    column, kind, until = day
    source = table.this.sql("spark", identify=True) if isinstance(table, exp.Table) else table.sql("spark", identify=True)
    listing = ", ".join(f"`{key}`" for key in keys)
    rows: exp.Expr = exp.maybe_parse((
        f"(select {listing}, array_sort(collect_list(struct(`{column}` as `asof_day`, struct(*) as `asof_row`)), "
        f"(a, b) -> case when a.asof_day < b.asof_day then -1 when a.asof_day > b.asof_day then 1 else 0 end) as `asof_rows` "
        f"from {source} where `{column}` is not null group by {listing})"
    ), dialect="spark")
    rows.set("alias", exp.TableAlias(this=exp.to_identifier(listed)))
    equal = " and ".join(f"`{listed}`.`{key}` = {other.sql('spark', identify=True)}" for key, other in keys.items())
    compared = "<=" if kind is exp.LTE else "<"
    before = f"filter(`{listed}`.`asof_rows`, r -> r.asof_day {compared} {until.sql('spark', identify=True)})"
    last = exp.Var(this=f"lateral inline(transform(slice({before}, -1, 1), r -> r.asof_row))")
    side = join.args.get("side")
    return [
        exp.Join(this=rows, side=side, on=exp.Var(this=equal)),
        exp.Join(this=exp.Table(this=last, alias=exp.TableAlias(this=exp.to_identifier(alias))), side=side, on=exp.true()),
    ]


def levels(tree: exp.Expr) -> frozenset[str]:
    """Queries within queries within queries become common table expressions; their names.

    Spark puts such levels into one, and an expression that each level uses twice then stands there two to the power of the levels
    times: planning the steps of parts.yaml would never end.
    """
    with_ = tree.args.get("with_")
    found: list[str] = []
    listed: list[exp.CTE] = []
    for cte in list(with_.expressions) if with_ else []:
        chain = _chain(cte.this)
        if len(chain) > _DEEP:
            for subquery in reversed(chain):  # the innermost first
                name = f"level_{len(found)}"
                found.append(name)
                listed.append(exp.CTE(this=subquery.this.copy(), alias=exp.TableAlias(this=exp.to_identifier(name))))
                alias = exp.TableAlias(this=exp.to_identifier(subquery.alias_or_name))
                subquery.replace(exp.Table(this=exp.to_identifier(name), alias=alias))
        listed.append(cte)
    if found and with_:
        with_.set("expressions", listed)
    return frozenset(found)


def _chain(query: exp.Expr) -> list[exp.Subquery]:
    """The queries that stand in each other's `from`, the outermost first."""
    chain: list[exp.Subquery] = []
    while isinstance(query, exp.Select) and (from_ := query.args.get("from_")) and isinstance(source := from_.this, exp.Subquery):
        chain.append(source)
        query = source.this
    return chain


def _sides(condition: exp.Expr, alias: str) -> tuple[str, exp.Expr, type[exp.Expr]]:
    """(column of the joined relation, what it is held against, how), the joined relation on the left."""
    node = condition.unnest()
    if not isinstance(node, (exp.EQ, *_RANGES)):
        raise Untranslatable(f"a condition of a join as of a day: {condition.sql('duckdb')}")
    turned = {exp.GTE: exp.LTE, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.LT: exp.GT, exp.EQ: exp.EQ}
    for mine, other, kind in ((node.left, node.right, type(node)), (node.right, node.left, turned[type(node)])):
        if isinstance(mine, exp.Column) and mine.table == alias and not any(c.table == alias for c in other.find_all(exp.Column)):
            return mine.name, other, kind
    raise Untranslatable(f"a condition of a join as of a day: {condition.sql('duckdb')}")
