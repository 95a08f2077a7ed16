-- Accounts at a platform that book in one sum what the lines of its statement say: they are called as the platform, with `_wallet` or `_account`.

-- the provider whose statement an account books; any other provider itself
create macro statement_of(provider) as regexp_replace(provider, '_(wallet|account)$', '');
