-- Grain: one row a period, open item and cause. Meaning: what is open at the end of a period; the variances; what is published of it leaves out
-- proposal and evidence.
with
variances as (select * from variances),

final as (
    select * from variances
)

select * from final
