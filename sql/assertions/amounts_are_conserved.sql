-- Fails if opening + left - right is not closing, or the open items and variances do not add up to closing; matters because
-- then money was lost or made up between the raw files and the published page.
with
summary as (select * from recon_summary),

items as (
    select period, leg, entity, currency, sum(difference) as difference, count(distinct "key") as open_keys
    from variances
    group by all
),

-- keys of which a side never came are one item
claimed as (
    select period, leg, entity, currency, count(distinct "key") as open_keys
    from open_claims
    group by all
),

joined as (
    select period, leg, entity, currency, count(distinct "key") as open_keys
    from item_claims
    group by all
),

final as (
    select s.*, i.difference, i.open_keys as item_keys
    from summary as s
    full join items as i using (period, leg, entity, currency)
    full join claimed as c using (period, leg, entity, currency)
    full join joined as j using (period, leg, entity, currency)
    where s.opening + s.left_amount - s.right_amount is distinct from s.closing
        or coalesce(i.difference, 0) is distinct from s.closing
        or coalesce(c.open_keys, 0) is distinct from s.open_keys
        or i.open_keys is distinct from j.open_keys
)

select * from final
