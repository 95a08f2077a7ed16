-- Grain: one row a period and open item. Meaning: the features with what books.yaml tolerates and declares; the input of
-- the rules in causes.yaml.
with
features as (select * from features),
tolerances as (select * from tolerances),
policies as (select * from policy_changes),

final as (
    select
        f.*,
        coalesce(t.tolerance, 0.01) as tolerance,
        exists (
            select 1 from policies as p
            where p.leg = f.leg and f.first_seen between p.from_day and coalesce(p.until_day, date '9999-12-31')
                and starts_with(f."key", p.key_prefix)
                and (
                    p.percent is null
                    or f.difference = round((f.left_amount * p.percent::decimal(10, 4))::decimal(32, 8) * 0.01, 2)
                )
        ) as policy_declared
    from features as f
    left join tolerances as t on f.leg = t.leg
)

select * from final
