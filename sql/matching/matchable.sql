-- Grain: one row a period and open item that a matching pass may still place. Meaning: what the passes compare: the amount
-- that is open (+ left, - right), the key in its normal form, since when, and who stands on the other side.
with
items as (select * from judged),
open_claims as (select * from item_claims),
rules as (select * from matching_legs),

worded as (
    select o.*, concat_ws(' ', o.counterparty, o.remark) as words
    from open_claims as o
    semi join rules as r on o.leg = r.leg
),

told as (
    select
        period, leg, entity, "key", currency,
        coalesce(max(customer), '') as customer,
        coalesce(max(channel), '') as channel,
        min(words) as words, max(words) as last_words, max(claimed) filter (where kind = 'payout_lines') as last_line,
        min(source) as source
    from worded
    group by period, leg, entity, "key", currency
),

-- of most items all claims say the same, mostly nothing; where they do not, all of it is told
several as (
    select period, leg, entity, "key", currency from told where words <> last_words
),

all_words as (
    select w.period, w.leg, w.entity, w."key", w.currency, string_agg(distinct w.words, ' ' order by w.words) as words
    from worded as w
    semi join several as s using (period, leg, entity, "key", currency)
    group by w.period, w.leg, w.entity, w."key", w.currency
),

worded_items as (
    select t.* exclude (last_words) replace (coalesce(a.words, t.words, '') as words)
    from told as t
    left join all_words as a using (period, leg, entity, "key", currency)
),

final as (
    select
        i.period, i.leg, i.entity, i."key", i.currency, i.difference as amount, i.tolerance,
        -- what the lines of a statement announce is sent after the last of them
        coalesce(t.last_line, i.first_seen) as first_seen, i.one_sided,
        -- what was sold stands on one side alone, whatever was paid back
        (i.left_sale <> 0) <> (i.right_sale <> 0) as lacks_sale,
        t.source, t.words,
        normal_key(i."key") as normal_key,
        r.window_days, r.left_first, r.party as party_kind,
        case r.party
            when 'customer' then t.customer
            when 'channel' then coalesce(party_of(t.channel), nullif(t.channel, ''), party_of(t.words), '')
            else ''
        end as party
    from items as i
    inner join worded_items as t using (period, leg, entity, "key", currency)
    inner join rules as r on i.leg = r.leg
    where i.difference <> 0 and not i.is_decided and not i.is_absent
)

select * from final
