-- Grain: one item of a candidate group. Meaning: the groups that want no item of a group that was chosen.
with
seats as (select * from seats),
chosen as (select * from chosen),

taken as (
    select s.*
    from seats as s
    semi join chosen as c using (rank)
),

gone as (
    select distinct s.rank
    from seats as s
    semi join taken as t using (period, leg, entity, currency, "key")
),

final as (
    select s.*
    from seats as s
    anti join gone as g using (rank)
)

select * from final
