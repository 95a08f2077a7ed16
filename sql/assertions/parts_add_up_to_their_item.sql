-- Fails if the parts of an open item do not add up to it, in amount or quantity, on either side, or a part's difference is
-- not left - right; matters because then a cause was given money that is not there, or was not given all.
with
items as (select * from with_cause),
parts as (select * from variances),

summed as (
    select
        period, leg, entity, "key", currency, sum(left_amount) as left_amount, sum(right_amount) as right_amount,
        sum(left_quantity) as left_quantity, sum(right_quantity) as right_quantity,
        bool_and(difference = left_amount - right_amount) as is_left_less_right,
        count(*) - count(distinct cause) as repeated_causes
    from parts
    group by period, leg, entity, "key", currency
),

final as (
    select i.period, i.leg, i.entity, i."key", i.currency, i.left_amount, i.right_amount, s.left_amount as left_of_parts,
        s.right_amount as right_of_parts
    from items as i
    full join summed as s using (period, leg, entity, "key", currency)
    -- the legs that add up others are split by the sums of lines, which need not show what both sides agree on
    where i.left_amount - i.right_amount is distinct from s.left_amount - s.right_amount
        or i.leg not in ('finance', 'customer')
            and (i.left_amount is distinct from s.left_amount or i.left_quantity is distinct from s.left_quantity
                or i.right_quantity is distinct from s.right_quantity)
        or s.is_left_less_right is distinct from true
        or s.repeated_causes <> 0
)

select * from final
