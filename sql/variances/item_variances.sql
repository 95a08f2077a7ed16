-- Grain: one row a period, open item and cause. Meaning: what differs, by how much, since when, why, and what a later matching
-- pass proposes. evidence: the first eight claims behind a part; claims: how many there are, where there are more; because: the
-- numbers that a part follows from, where an item has several.
with
with_cause as (select * from with_cause),
parts as (select * from parts),
open_claims as (select * from item_claims),
proposals as (select * from proposals),
decisions as (select * from decisions),

told as (
    select
        period, leg, entity, "key", currency, side, claimed, source, file, line, kind, amount,
        {
            'claimed': claimed, 'side': side, 'kind': kind, 'amount': amount::varchar, 'source': source, 'file': file,
            'line': line
        } as claim
    from open_claims
),

-- most items are one claim, and need no list to be put in order
several as (
    select period, leg, entity, "key", currency
    from open_claims
    group by period, leg, entity, "key", currency
    having count(*) > 1
),

said as (
    select t.period, t.leg, t.entity, t."key", t.currency, [t.claim] as rows_said
    from told as t
    anti join several as s using (period, leg, entity, "key", currency)
    union all
    select
        t.period, t.leg, t.entity, t."key", t.currency,
        list(t.claim order by t.side, t.claimed, t.source, t.file, t.line, t.kind, t.amount) as rows_said
    from told as t
    semi join several as s using (period, leg, entity, "key", currency)
    group by t.period, t.leg, t.entity, t."key", t.currency
),

evidence as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause, p.because,
        case
            when list_contains(p.kinds, '*') then s.rows_said
            else list_filter(s.rows_said, lambda r: list_contains(p.kinds, r.kind))
        end as rows_said
    from parts as p
    inner join said as s using (period, leg, entity, "key", currency)
),

-- of more than eight, four or more of each side that has so many
shown as (
    select
        *,
        case
            when len(rows_said) <= 8 then rows_said
            else list_concat(
                list_filter(rows_said, lambda r: r.side = 'left')[1:greatest(4, 8 - len(list_filter(rows_said, lambda r: r.side = 'right')))],
                list_filter(rows_said, lambda r: r.side = 'right')[1:greatest(4, 8 - len(list_filter(rows_said, lambda r: r.side = 'left')))]
            )
        end as rows_shown
    from evidence
),

final as (
    select
        c.period, c.leg, c.entity, c."key", c.currency, p.cause, p.left_amount, p.right_amount, p.difference,
        p.left_quantity, p.right_quantity, c.first_seen, c.age_days,
        coalesce(d.status, 'open') as status,
        c.shop, c.order_id, m.proposal, m.confidence,
        case
            when e.because is null and len(e.rows_said) <= 8 then to_json(e.rows_shown)
            when e.because is null
                then to_json(list_transform(e.rows_shown, lambda r: struct_insert(r, claims := len(e.rows_said))))
            when len(e.rows_said) <= 8 then to_json(list_transform(e.rows_shown, lambda r: struct_insert(r, because := e.because)))
            else to_json(
                list_transform(e.rows_shown, lambda r: struct_insert(r, claims := len(e.rows_said), because := e.because))
            )
        end::varchar as evidence,
        c.sla_days,
        c.age_days >= c.sla_days as overdue
    from with_cause as c
    inner join parts as p using (period, leg, entity, "key", currency)
    inner join shown as e
        on p.period = e.period and p.leg = e.leg and p.entity = e.entity and p."key" = e."key" and p.currency = e.currency
        and p.cause = e.cause
    left join proposals as m
        on c.period = m.period and c.leg = m.leg and c.entity = m.entity and c."key" = m."key" and c.currency = m.currency
    left join decisions as d
        on c.leg = d.leg and c.entity = d.entity and c."key" = d."key" and c.currency = d.currency
        and c.period >= d.from_period and (d.until is null or c.period <= d.until)
)

select * from final
