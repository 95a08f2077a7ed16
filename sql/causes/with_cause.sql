-- Grain: one row a period and open item. Meaning: the item with the cause whose rule holds first; `name_causes` is the rules of
-- causes.yaml.
with
judged as (select * from judged),

final as (
    select * from name_causes('judged')
)

select * from final
