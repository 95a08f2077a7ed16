-- What several models ask of the goods of a claim.

-- whether a claim of this kind says that goods were ordered, sent or came back by the code that it names: what people decided does not, nor
-- what was moved or told; presents, and what is sent for what came back, go by the warehouse's own code
create macro names_goods(kind) as kind not in ('moved', 'unmapped', 'correction', 'write_off', 'gift', 'exchange');
