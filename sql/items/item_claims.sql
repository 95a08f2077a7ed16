-- Grain: one claim of an open item, for every period at whose end it is open. Meaning: the claims of the open keys, each key an item. But where
-- a side that books.yaml declares has never had a record, or began only after they were due, the keys that it leaves open stand together as one item,
-- <shop>/unsupplied/<what is missing>/<since when it is declared>: its files are missing, and not each record. Fewer than five may be chance.
-- A key that is answered, or decided about, is an item by itself again; an item that was written off as a whole is none.
with
claims as (select * from open_claims),
places as (select * from sides_unsupplied),
decisions as (select * from decisions),
sla as (select * from sla),
traits as (select * from leg_traits),

lone as (
    select
        period, leg, entity, "key", currency, min(side) as side, min(first_seen) as first_seen, min(shop) as shop, max(channel) as channel,
        counterpart_shop(leg, "key", min(shop)) as scope_shop, counterpart_channel(leg, "key", max(channel)) as scope_channel,
        split_part("key", '/', -3) = 'absent' as is_absent
    from claims
    where leg in (select leg from places)
    group by period, leg, entity, "key", currency
    having min(side) = max(side) and min(shop) = max(shop) and not bool_or(kind in ('correction', 'write_off', 'moved', 'unmapped'))
),

due as (
    select
        l.*, p.declared_since, p.named, p.known_since,
        case
            when l.side = 'right' and t.own_days is not null then least(t.own_days, coalesce(o.days, s.days, d.days, 0))
            else coalesce(o.days, s.days, d.days, 0)
        end::int as sla_days
    from lone as l
    inner join places as p
        on l.leg = p.leg and l.side = p.side and l.entity = p.entity and l.scope_shop = p.shop and l.scope_channel = p.channel
    left join traits as t on l.leg = t.leg
    left join sla as s on l.leg = s.leg and l.channel = s.channel and s.channel <> '' and not (s.until_answered and l.side = 'right')
    left join sla as o on l.leg = o.leg and l.shop = o.shop and o.shop <> ''
    left join sla as d on l.leg = d.leg and d.channel = '' and d.shop = ''
),

together as (
    select
        d.period, d.leg, d.entity, d."key", d.currency,
        concat_ws('/', nullif(d.shop, ''), 'unsupplied', coalesce(nullif(d.named, ''), 'files'), d.declared_since::varchar) as joint_key
    from due as d
    anti join decisions as x
        on d.leg = x.leg and d.entity = x.entity and d."key" = x."key" and d.currency = x.currency and d.period >= x.from_period
        and d.period <= coalesce(x.until, d.period)
    where (d.is_absent or d.period - d.first_seen >= d.sla_days)
        and (d.known_since is null or d.known_since > d.period or d.known_since > d.first_seen + d.sla_days)
    qualify count(*) over (partition by d.period, d.leg, d.entity, joint_key) >= 5
        or bool_or(d.is_absent) over (partition by d.period, d.leg, d.entity, joint_key)
),

keyed as (
    select
        c.* replace (
            coalesce(t.joint_key, c."key") as "key", case when t.joint_key is null then c.sku else '' end as sku,
            case when t.joint_key is null then c.attribute end as attribute, case when t.joint_key is null then c.sequence end as sequence
        )
    from claims as c
    left join together as t using (period, leg, entity, "key", currency)
),

written_off as (
    select period, leg, entity, "key", currency
    from keyed
    where split_part("key", '/', -3) = 'unsupplied'
    group by period, leg, entity, "key", currency
    having bool_or(kind in ('correction', 'write_off')) and sum(case side when 'left' then amount else -amount end) = 0
        and sum(case side when 'left' then quantity else -quantity end) = 0
),

final as (
    select k.*
    from keyed as k
    anti join written_off as w using (period, leg, entity, "key", currency)
)

select * from final
