-- Within what the counterpart of a claim has to be, by its leg.

-- a shop, a warehouse or an account; empty where it may be any
create macro counterpart_shop(leg, key, shop) as
    case
        when leg in ('freight', 'payout_bank') then ''
        when leg in ('stock', 'ledger') then split_part(key, '/', 1)
        -- nobody knows whose it is: its counterpart may be any shop's
        when starts_with(shop, 'unassigned/') then ''
        else coalesce(shop, '')
    end;

-- a provider, a carrier, or by what a stock is known; empty where it may be any
create macro counterpart_channel(leg, key, channel) as
    case
        when leg in ('payment_settlement', 'fee', 'freight') then coalesce(channel, '')
        when leg = 'stock' then split_part(key, '/', -1)
        else ''
    end;
