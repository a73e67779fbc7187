"""Words that a question is made of and that say nothing about its answer: English and Russian.

They are left out of queries only; whoever searches for nothing else finds them. Months ("may") and
adverbs and numbers that carry meaning ("two", "всегда") are not among them. Spelled as ``fold``
spells: ё as е.
"""

# ruff: noqa: RUF001, RUF002  (Russian letters are meant)

_ENGLISH = """
a about above after again against all am an and any anyone anything are aren't as at be because
been before being below between both but by can can't cannot could couldn't did didn't do does
doesn't doing don't down during each else ever every few for from further get gets getting give
gave go goes going got had hadn't has hasn't have haven't having he he'd he'll he's her here here's
hers herself him himself his how how's i i'd i'll i'm i've if in into is isn't it it'd it'll it's
its itself just let's me might mine more most must my myself no nor not of off on once only or other
our ours ourselves out over own please same shall she she'd she'll she's should shouldn't so some
someone something such tell than that that'd that'll that's the their theirs them themselves then
there there's these they they'd they'll they're they've this those through to too under until up us
very was wasn't we we'd we'll we're we've were weren't what what's when when's where where's whether
which while who who's whom whose why why's will with won't would wouldn't you you'd you'll you're
you've your yours yourself yourselves
"""

_RUSSIAN = """
а без бы был была были было быть в вам вами вас ваш ваша ваше вашего вашей ваши ваших вашу вдруг
ведь во вот впрочем все всех всю вы где да даже для до его ее ей ему если есть еще ж же за зачем и
из изо или им ими их к как какая какие каким какими каких какого какое какой каком какому какую ко
когда кого ком кому которая которого которое которой котором которую которые который которых кто
куда ли либо лишь между меня мне мной мною может можно мои моего моей моем моему моя мое мой мы на
над надо нам нами нас наш наша наше нашего нашей наши наших нашу не него нее ней нельзя нем нему нет
нибудь ним ними них ничего но ну о об обо однако он она они оно от откуда ото перед по под пока
после потом потому почему при про пусть раз разве с сам сама сами само свое своего своей своем свои
своих свой свою своя себе себя сейчас сколько со собой так такая такие такого такое такой также там
тебе тебя тем теми тех то тобой тогда того тоже той только том тому тот тою ту тут ты у уж уже
хотя чего чей чем чему через что чтоб чтобы чье чьи чья эта эти этим этими этих это этого этой этом
этому этот эту я
"""

STOP_WORDS = frozenset((_ENGLISH + _RUSSIAN).split())
