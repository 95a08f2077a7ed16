-- Grain: one claim of the legs that are being made. Meaning: within what its counterpart has to be (a shop, a provider or
-- carrier, a warehouse, an account), and of what the claim is evidence that its side is supplied at all.
with
claims as (select * from made_claims),

scoped as (
    select
        *,
        counterpart_shop(leg, "key", shop) as scope_shop,
        counterpart_channel(leg, "key", channel) as scope_channel
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
