-- The part of an amount between two points (0..1) of it, each rounded half away from zero to the smallest unit of the currency, so
-- that parts that touch each other add up. units: how many of the smallest unit make one; unit: how much it is.
create macro share_between(amount, low, high, units, unit) as (
    case when high = 1 then amount else round((amount * high)::decimal(36, 10) * units, 0) * unit end
    - case when low = 1 then amount else round((amount * low)::decimal(36, 10) * units, 0) * unit end
)::decimal(28, 4);
