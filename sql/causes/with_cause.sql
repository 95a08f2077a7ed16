-- Grain: one row a period and open item. Meaning: the item with the cause whose rule holds first; `name_causes` is the rules of
-- causes.yaml.
with
paired as (select * from paired),

final as (
    select * from name_causes('paired')
)

select * from final
