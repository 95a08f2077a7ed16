-- Grain: one claim of the legs that are being made, where a leg is run, and what it opened with, in the account of its customer as well. Meaning: claims whose counterpart's
-- file is absent for the day stand together under that file and day, as one item.
with
claims as (select * from scoped_claims),
runs as (select * from leg_runs where is_run),
opened as (select * from opened_with),
opening_items as (select * from opening_items where leg = 'order_payment'),

run as (
    select
        c.* exclude (scope_shop, scope_channel, evidence_shop, is_evidence) replace (
            case
                when r.absent is null then c."key"
                else concat_ws('/', nullif(c.shop, ''), 'absent', r.absent, c.period::varchar)
            end as "key",
            case when r.absent is null then c.order_id else '' end as order_id
        )
    from claims as c
    inner join runs as r
        on c.period = r.period and c.leg = r.leg and c.entity = r.entity and c.side = r.side and c.scope_shop = r.scope_shop
        and c.scope_channel = r.scope_channel
),

-- what an order opened with is so with its customer, where nobody has paid anything yet
opened_with_customer as (
    select c.* exclude (scope_shop, scope_channel, evidence_shop, is_evidence)
    from claims as c
    semi join opening_items as o on c.leg = 'customer' and c.period = o.period and c.file = o.file and c.line = o.line
    anti join runs as r
        on c.period = r.period and c.leg = r.leg and c.entity = r.entity and c.side = r.side and c.scope_shop = r.scope_shop
        and c.scope_channel = r.scope_channel
),

final as (
    select * from run
    union all by name
    select * from opened_with_customer
    union all by name
    select * from opened
)

select * from final
