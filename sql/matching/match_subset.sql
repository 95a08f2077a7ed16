-- Grain: one row a period and open item that may be part of a combination. Meaning: what the search for combinations that add
-- up looks at; those of one circle (a customer, or everybody) may be put together. amount is in 1/10000.
with
items as (select * from left_over where leg in (select leg from matching_passes where pass = 'subset')),

circled as (
    select *, case party_kind when 'customer' then party else '' end as circle
    from items
),

final as (
    select
        period, leg, entity, currency, circle, "key", (amount * 10000)::hugeint as amount, first_seen, party, window_days,
        left_first
    from circled
    where party_kind <> 'customer' or party <> ''
    qualify count(*) over (partition by period, leg, entity, currency, circle) > 2
)

select * from final
