-- Grain: one row a period and open item of which some part has a cause of its own. Meaning: the parts that were taken off its
-- difference one after the other (taken), and what none of them took (rest, with the cause rest_cause). `take_parts` is the
-- steps of parts.yaml.
with
with_cause as (select * from with_cause),

final as (
    select * from take_parts('with_cause')
)

select * from final
