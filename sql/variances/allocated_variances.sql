-- Grain: one row a period, open item and cause. Meaning: the variances of the items, those of the legs that add up what other
-- legs show line by line (finance: order lines and refunds; customer: orders) allocated to the causes of those lines, so that the
-- amounts of the causes add up to the difference. What the lines don't explain keeps the cause that the rules gave it.
with
found as (select * from item_causes),
open_claims as (select * from item_claims),
parts as (select * from sum_parts),

whole as (
    select * from found where leg in ('finance', 'customer')
),

explained as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause,
        sum(p.left_amount)::decimal(28, 4) as left_amount, sum(p.right_amount)::decimal(28, 4) as right_amount,
        list({'key': p.detail, 'difference': (p.left_amount - p.right_amount)::varchar} order by p.detail)[1:8] as shown,
        count(*) as lines
    from parts as p
    semi join whole as w using (period, leg, entity, "key", currency)
    group by p.period, p.leg, p.entity, p."key", p.currency, p.cause
    having sum(p.left_amount) <> sum(p.right_amount)
),

rests as (
    select
        w.period, w.leg, w.entity, w."key", w.currency,
        (max(w.left_amount) - coalesce(sum(e.left_amount), 0))::decimal(28, 4) as left_amount,
        (max(w.right_amount) - coalesce(sum(e.right_amount), 0))::decimal(28, 4) as right_amount,
        min(e.cause) as first_cause
    from whole as w
    left join explained as e using (period, leg, entity, "key", currency)
    group by w.period, w.leg, w.entity, w."key", w.currency
),

-- what both sides agree on stands with the first cause
split as (
    select
        e.period, e.leg, e.entity, e."key", e.currency, e.cause,
        e.left_amount + case when r.left_amount = r.right_amount and r.first_cause = e.cause then r.left_amount else 0 end
            as left_amount,
        e.right_amount + case when r.left_amount = r.right_amount and r.first_cause = e.cause then r.right_amount else 0 end
            as right_amount,
        case
            when e.lines <= 8 then to_json(e.shown)
            else to_json(list_transform(e.shown, lambda r: struct_insert(r, lines := e.lines)))
        end::varchar as evidence
    from explained as e
    inner join rests as r using (period, leg, entity, "key", currency)
    union all
    select
        r.period, r.leg, r.entity, r."key", r.currency, w.cause, r.left_amount, r.right_amount, w.evidence
    from rests as r
    inner join whole as w using (period, leg, entity, "key", currency)
    where r.left_amount <> r.right_amount or r.first_cause is null
),

-- the rest of an item can have a cause that its lines have as well
merged as (
    select
        period, leg, entity, "key", currency, cause, sum(left_amount)::decimal(28, 4) as left_amount,
        sum(right_amount)::decimal(28, 4) as right_amount,
        to_json(flatten(list(evidence::json[] order by evidence)))::varchar as evidence
    from split
    group by all
),

-- days whose statement is not there: what is missing is as old as they are, and they are its evidence
by_day as (
    select
        *,
        count(*) filter (where side = 'right') over (partition by period, entity, "key", currency, claimed) as stated
    from open_claims
    where leg = 'finance'
),

unstated as (
    select
        period, entity, "key", currency, min(claimed) as first_day, count(*) as claims,
        sum(case side when 'left' then amount else -amount end)::decimal(28, 4) as total,
        list(
            {
                'claimed': claimed, 'side': side, 'kind': kind, 'amount': amount::varchar, 'source': source, 'file': file,
                'line': line
            }
            order by claimed, amount
        )[1:8] as shown
    from by_day
    where stated = 0
    group by period, entity, "key", currency
),

-- what else is in the difference (other days of the item, lines that stand under other causes) is told with them
told as (
    select
        u.*,
        case
            when u.total <> m.left_amount - m.right_amount then concat(
                'lines of ', u.total, ' on days without a statement, and ',
                (m.left_amount - m.right_amount - u.total)::decimal(28, 4), ' of other lines'
            )
        end as because
    from unstated as u
    inner join merged as m using (period, entity, "key", currency)
    where m.leg = 'finance' and m.cause = 'missing_source'
),

dated as (
    select
        * exclude (shown, claims, total, because),
        case
            when because is null and claims <= 8 then to_json(shown)
            when because is null then to_json(list_transform(shown, lambda r: struct_insert(r, claims := told.claims)))
            when claims <= 8 then to_json(list_transform(shown, lambda r: struct_insert(r, because := told.because)))
            else to_json(list_transform(shown, lambda r: struct_insert(r, because := told.because, claims := told.claims)))
        end::varchar as evidence
    from told
),

-- a line of a sum is accepted, or waited for, where all that it is made of is
decided as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause, min(f.status) as status,
        sum(p.left_amount - p.right_amount) as difference
    from parts as p
    left join (select distinct period, leg, entity, "key", currency, status from found) as f
        on p.period = f.period and p.detail_leg = f.leg and p.entity = f.entity and p.detail = f."key" and p.currency = f.currency
    group by p.period, p.leg, p.entity, p."key", p.currency, p.cause
    having min(coalesce(f.status, 'open')) = max(coalesce(f.status, 'open'))
),

final as (
    select * from found where leg not in ('finance', 'customer')
    union all by name
    select
        w.* replace (
            m.cause as cause, m.left_amount as left_amount, m.right_amount as right_amount,
            (m.left_amount - m.right_amount)::decimal(28, 4) as difference, coalesce(d.evidence, m.evidence) as evidence,
            coalesce(d.first_day, w.first_seen) as first_seen,
            coalesce((w.period - d.first_day)::bigint, w.age_days) as age_days,
            coalesce((w.period - d.first_day)::bigint, w.age_days) >= w.sla_days as overdue,
            coalesce(s.status, w.status) as status
        )
    from merged as m
    inner join whole as w using (period, leg, entity, "key", currency)
    left join dated as d
        on m.leg = 'finance' and m.cause = 'missing_source' and d.period = m.period and d.entity = m.entity
        and d."key" = m."key" and d.currency = m.currency
    left join decided as s
        on m.period = s.period and m.leg = s.leg and m.entity = s.entity and m."key" = s."key" and m.currency = s.currency
        and m.cause = s.cause and m.left_amount - m.right_amount = s.difference
)

select * from final
