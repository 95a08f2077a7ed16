-- Grain: one row a period and open item that has so many others of its amount on both sides that no pair is proposed.
with
items as (select * from left_over where 'keyless' in (select pass from matching_passes where leg = left_over.leg)),

bucketed as (
    select *, (abs(amount) * 10000)::hugeint // (greatest(tolerance, 0.01) * 10000)::hugeint as bucket
    from items
),

crowds as (
    select period, leg, entity, currency, bucket
    from bucketed
    group by all
    having count(*) filter (where amount > 0) > getvariable('match_crowd')
        and count(*) filter (where amount < 0) > getvariable('match_crowd')
),

final as (
    select
        b.period, b.leg, b.entity, b.currency, b."key",
        concat('more than ', getvariable('match_crowd'), ' items of this amount on both sides: no pair is proposed') as reason
    from bucketed as b
    semi join crowds as c using (period, leg, entity, currency, bucket)
)

select * from final
