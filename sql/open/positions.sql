-- Grain: one row a carried key (one that does not net to zero in some period of the range) and period in which it moved.
-- Meaning: its running balance. A stretch ends with the period in which the key nets to zero; what comes later starts
-- a new one. Keys that net to zero within their periods never get here.
with
movements as (select * from movements),

-- few of all keys, so they are chosen before they are told apart
carried as (
    select distinct leg, entity, "key", currency
    from movements
    where amount <> 0 or quantity <> 0 or attribute <> 0
),

running as (
    select
        m.leg, m.entity, m."key", m.currency, m.period, m.first_seen, m.left_amount,
        sum(m.amount) over steps as balance,
        sum(m.quantity) over steps as quantity,
        sum(m.attribute) over steps as attribute,
        bool_or(m.is_decided) over steps as is_decided
    from movements as m
    inner join carried as r using (leg, entity, "key", currency)
    window steps as (partition by m.leg, m.entity, m."key", m.currency order by m.period)
),

judged as (
    select
        *,
        -- a decision on a key settles its attributes as well: it has no attribute to claim
        balance = 0 and quantity = 0 and (attribute = 0 or is_decided) as is_clear
    from running
),

stretched as (
    select
        *,
        count(*) filter (where is_clear) over (
            partition by leg, entity, "key", currency order by period rows between unbounded preceding and 1 preceding
        ) as stretch,
        lead(period) over (partition by leg, entity, "key", currency order by period) as next_period
    from judged
),

final as (
    select
        leg, entity, "key", currency, period, stretch, is_clear,
        coalesce(next_period - 1, getvariable('period_to')) as last_period,
        min(coalesce(first_seen, period)) over in_stretch as first_seen,
        sum(left_amount) over in_stretch as left_so_far
    from stretched
    window in_stretch as (partition by leg, entity, "key", currency, stretch order by period)
)

select * from final
