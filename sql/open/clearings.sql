-- Grain: one row a period and key that cleared in it after it had been open at the end of an earlier one. Meaning: what was
-- open, since when, and the claims that cleared it. amount is the gross amount of the left side that netted.
with
positions as (select * from positions where is_clear and first_seen < period),
carried_claims as (select * from carried_claims),

told as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.first_seen, p.left_so_far, s.moved = p.period as is_new,
        s.shop, s.order_id, s.claimed, s.source, s.file, s.line, s.side, s.kind, s.amount,
        {
            'claimed': s.claimed, 'side': s.side, 'kind': s.kind, 'amount': s.amount::varchar, 'source': s.source,
            'file': s.file, 'line': s.line
        } as claim
    from positions as p
    inner join carried_claims as s using (leg, entity, "key", currency, stretch)
    where s.moved <= p.period
),

summed as (
    select
        period, leg, entity, "key", currency,
        max(shop) as shop,
        case when min(nullif(order_id, '')) = max(order_id) then max(order_id) else '' end as order_id,
        max(first_seen) as opened,
        max(left_so_far)::decimal(28, 4) as amount,
        count(*) filter (where not is_new)::bigint as open_claims,
        count(*) filter (where is_new)::bigint as clearing_claims,
        max(claim) filter (where not is_new) as was_open,
        max(claim) filter (where is_new) as cleared_by
    from told
    group by period, leg, entity, "key", currency
),

-- most were opened by one claim and cleared by one, which need not be put in order
several as (
    select period, leg, entity, "key", currency from summed where open_claims <> 1 or clearing_claims <> 1
),

ordered as (
    select
        t.period, t.leg, t.entity, t."key", t.currency,
        list(t.claim order by t.claimed, t.side, t.source, t.file, t.line, t.kind, t.amount) filter (where not t.is_new)[1:8] as was_open,
        list(t.claim order by t.claimed, t.side, t.source, t.file, t.line, t.kind, t.amount) filter (where t.is_new)[1:8] as cleared_by
    from told as t
    semi join several as s using (period, leg, entity, "key", currency)
    group by t.period, t.leg, t.entity, t."key", t.currency
),

final as (
    select
        s.period, s.leg, s.entity, s."key", s.currency, s.shop, s.order_id, s.opened,
        s.period as cleared_on,
        (s.period - s.opened)::bigint as age_days,
        s.amount, s.open_claims, s.clearing_claims,
        to_json(case when o.period is null then [s.was_open] else o.was_open end)::varchar as was_open,
        to_json(case when o.period is null then [s.cleared_by] else o.cleared_by end)::varchar as cleared_by
    from summed as s
    left join ordered as o using (period, leg, entity, "key", currency)
)

select * from final
