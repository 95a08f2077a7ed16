-- Grain: a row of an older file and one of a newer file. Meaning: nothing differs but digits of ids that a spreadsheet has lost in one of
-- them, so they are one movement. `is_whole`: the older one has all digits.
with
lacking as (select * from lacking),
met as (select * from met),

shortened as (
    select
        l.*, regexp_matches(l.name, '[0-9]{15}0+([^0-9]|$)') as is_rounded,
        regexp_replace(regexp_replace(l.texts, '(^|[^0-9])0+([0-9])', '\1\2', 'g'), '([0-9]{15})[0-9]+', '\1', 'g') as texts_cut
    from lacking as l
    where l.name is not null
        and not exists (select 1 from met as m where m.part = l.part and m.file = l.file and m.line = l.line and m.other = l.other)
        and not exists (select 1 from met as m where m.part = l.part and m.other = l.file and m.other_line = l.line and m.file = l.other)
),

cut as (
    select
        *, row_number() over (
            partition by part, file, other, day, name_cut, texts_cut, kind, account, currency, figures, occurred_at order by name, line
        ) as nth
    from shortened
),

final as (
    select
        a.part, a.day, a.file, a.line, b.file as other, b.line as other_line,
        b.is_rounded and not a.is_rounded or length(a.name) > length(b.name) as is_whole
    from cut as a
    inner join cut as b
        on a.file = b.other and b.file = a.other and a.part = b.part and a.day = b.day
        and a.name_cut = b.name_cut and a.texts_cut = b.texts_cut
        and a.kind is not distinct from b.kind and a.account is not distinct from b.account and a.figures = b.figures
        and a.occurred_at is not distinct from b.occurred_at and a.nth = b.nth
    where a.rank < b.rank and (length(a.name) <> length(b.name) or a.is_rounded <> b.is_rounded)
)

select * from final
