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

final as (
    select
        period, leg, entity, "key", currency,
        max(shop) as shop,
        case when min(nullif(order_id, '')) = max(order_id) then max(order_id) else '' end as order_id,
        max(first_seen) as opened,
        period as cleared_on,
        (period - max(first_seen))::bigint as age_days,
        max(left_so_far)::decimal(28, 4) as amount,
        count(*) filter (where not is_new)::bigint as open_claims,
        count(*) filter (where is_new)::bigint as clearing_claims,
        to_json(
            list(claim order by claimed, side, source, file, line, kind, amount) filter (where not is_new)[1:8]
        )::varchar as was_open,
        to_json(
            list(claim order by claimed, side, source, file, line, kind, amount) filter (where is_new)[1:8]
        )::varchar as cleared_by
    from told
    group by period, leg, entity, "key", currency
)

select * from final
