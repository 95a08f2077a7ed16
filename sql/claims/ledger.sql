-- Grain: one claim an account and period (left), one a journal line (right). Meaning: the sub-ledger measure that
-- books.yaml declares for an account (debit positive) is what the general ledger booked there in the period. An account
-- belongs to one entity. The ledger is kept in the currency of the books: what a shop sells in another currency of its own is
-- converted by the rate of the day, the day's total rounded half away from zero to
-- the smallest unit.
with
orders as (select * from own_orders),
refunds as (select * from own_refunds),
settlements as (select * from placed_settlements),
payouts as (select * from payouts),
fx_results as (select * from fx_results where gain_loss is not null),
owners as (select * from bank_account_owners),
journal_lines as (select * from journal_lines),
accounts as (select * from account_map),
shops as (select * from shops),
rates as (select * from fx_known),
settings as (select * from fx_settings),
minor_units as (select * from minor_units),

bank_entries as (
    select b.* replace (coalesce(w.entity, b.entity) as entity)
    from bank_entries as b
    left join owners as w on b.bank_account = w.bank_account
),

-- what moves our account with a provider: the lines of its statement, but those that it pays out with the payout that they name; and
-- payouts that are no line of it
moved as (
    select period, entity, shop, provider, currency, amount
    from settlements
    where kind = 'payout' or payout_id = '' or payout_id is null
    union all
    select p.period, p.entity, p.shop, p.provider, p.currency, -p.amount
    from payouts as p
    where not exists (
        select 1
        from settlements as s
        where s.period = p.period and s.provider = p.provider and s.currency = p.currency
            and (s.kind = 'payout' and s.amount = -p.amount or s.kind <> 'payout' and s.payout_id = p.payout_id)
    )
),

measured as (
    select o.period, o.entity, o.shop, a.account, o.currency, -sum(o.amount) as amount
    from orders as o
    inner join accounts as a on a.measure = 'sales' and a.entity = o.entity and (a.shop = '' or a.shop = o.shop)
    group by all
    union all
    select r.period, r.entity, r.shop, a.account, r.currency, sum(r.amount)
    from refunds as r
    inner join accounts as a on a.measure = 'sales_refunds' and a.entity = r.entity and (a.shop = '' or a.shop = r.shop)
    group by all
    union all
    select s.period, s.entity, s.shop, a.account, s.currency, -sum(s.amount)
    from (select * from settlements where kind = 'fee') as s
    inner join accounts as a
        on a.measure = 'provider_fees' and a.entity = s.entity and (a.provider = '' or a.provider = s.provider)
        and (a.shop = '' or a.shop = s.shop)
    group by all
    union all
    select m.period, m.entity, m.shop, a.account, m.currency, sum(m.amount)
    from moved as m
    inner join accounts as a
        on a.measure = 'clearing' and a.entity = m.entity and (a.provider = '' or a.provider = m.provider)
        and (a.shop = '' or a.shop = m.shop)
    group by all
    union all
    select b.period, b.entity, '', a.account, b.currency, sum(b.amount)
    from bank_entries as b
    inner join accounts as a on a.measure = 'bank' and a.entity = b.entity and (a.bank_account = '' or a.bank_account = b.bank_account)
    group by all
    union all
    select x.period, x.entity, '', a.account, x.currency, -sum(x.gain_loss)
    from fx_results as x
    inner join accounts as a
        on a.measure = 'fx_gain_loss' and a.entity = x.entity and (a.bank_account = '' or a.bank_account = x.bank_account)
    group by all
),

translated as (
    select
        m.period, m.entity, m.account,
        case when r.rate is null then m.currency else t.currency end as currency,
        case when r.rate is null then m.amount
            else round((m.amount::decimal(28, 4) * r.rate)::decimal(36, 10) * coalesce(u.units, 100), 0) * coalesce(u.unit, 0.01)
        end::decimal(28, 4) as amount
    from measured as m
    cross join settings as t
    left join minor_units as u on t.currency = u.currency
    left join shops as h on m.shop = h.shop and m.currency = h.currency and m.currency <> t.currency
    asof left join rates as r on h.currency = r.base and t.currency = r.quote and m.period >= r.period
),

final as (
    select
        m.period, 'ledger' as leg, m.entity, concat_ws('/', m.account, m.period::varchar) as "key", m.currency,
        'left' as side, 'subledger' as kind, m.amount::decimal(28, 4) as amount, 0 as quantity, null as attribute,
        '' as shop, '' as channel, '' as order_id, '' as sku, 0 as discount, null as unit_price,
        null as occurred_at, 'subledger' as source, '' as file, null as line, '' as record_id
    from translated as m
    union all
    select
        j.period, 'ledger', a.entity, concat_ws('/', j.account, j.period::varchar), j.currency, 'right', 'journal',
        j.amount, 0, null, '', '', '', '', 0, null, j.occurred_at, j.source, j.file, j.line,
        case when j.voucher <> '' then concat_ws('/', j.voucher, j.line_no) else '' end
    from journal_lines as j
    inner join accounts as a on j.account = a.account
)

select * from final
