-- Grain: one claim of the legs that are being made. Meaning: within what its counterpart has to be (a shop, a provider or
-- carrier, a warehouse, an account), and of what the claim is evidence that its side is supplied at all.
with
claims as (select * from made_claims),

scoped as (
    select
        *,
        case
            when leg in ('freight', 'payout_bank') then ''
            when leg in ('stock', 'ledger') then split_part("key", '/', 1)
            -- nobody knows whose it is: its counterpart may be any shop's
            when starts_with(shop, 'unassigned/') then ''
            else coalesce(shop, '')
        end as scope_shop,
        case
            when leg in ('payment_settlement', 'fee', 'freight') then coalesce(channel, '')
            when leg = 'stock' then split_part("key", '/', -1)
            else ''
        end as scope_channel
    from claims
),

final as (
    select
        *,
        -- moves and journals are of the whole company: one that says nothing of a warehouse or account is there all the same
        case
            when leg = 'stock' and side = 'left' or leg = 'ledger' and side = 'right' then '' else scope_shop
        end as evidence_shop,
        case
            when leg = 'stock' then kind <> 'opening'
            when leg = 'finance' and side = 'left' then split_part("key", '/', -1) in ('revenue', 'discount', 'refund')
            else true
        end as is_evidence
    from scoped
)

select * from final
