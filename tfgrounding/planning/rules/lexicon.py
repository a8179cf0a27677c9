"""The word lists of the rules planner: closed classes in full, common verbs with their inflections."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple, get_args

Form = Literal["base", "s", "ing", "past", "participle"]
FORMS: tuple[Form, ...] = get_args(Form)


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


DETERMINERS = word_set(
    """a an the this that these those some any no every each another both all several many few most other my your
    his her its our their whose one two three four five six seven eight nine ten eleven twelve twenty dozens
    first second third next last same such much more half"""
)
SINGULAR_DETERMINERS = word_set("a an this that one another each every other")
NUMBERS = word_set("""two three four five six seven eight nine ten eleven twelve both many several few all""")
SUBJECT_PRONOUNS = word_set(
    """i you he she it we they someone somebody everyone everybody something everything anyone nobody who each one
    another others"""
)
OBJECT_PRONOUNS = word_set("me him her it us them himself herself itself themselves")
PREPOSITIONS = word_set(
    """about above across against along alongside amid among around at behind below beneath beside besides between
    beyond by despite for from in inside into like near of off on onto opposite out outside over past per
    through throughout to toward towards under underneath unlike up upon via with within without during down
    before after until till since than as atop next"""
)
PARTICLES = word_set(
    """up down out off away back around along together forward forwards backward backwards by over in on through
    across past apart aside ahead home upstairs downstairs outside inside outdoors indoors upwards downwards
    here there again still aloud alone apart nearby sideways"""
)
GOAL_WORDS = word_set("""back to into onto toward towards up down out off away in from through across over past""")
AUXILIARIES = word_set(
    """is are was were am be been being 's 're has have had do does did can could will would may might must shall
    should isn't aren't wasn't weren't doesn't don't didn't can't won't cannot"""
)
FINITE_BE = word_set("is are was were am")
MODALS = word_set("""do does did can could will would may might must shall should doesn't don't didn't can't won't""")
ADVERBS = word_set(
    """quickly slowly suddenly immediately also just only even still already again soon now once twice finally
    eventually subsequently afterwards afterward later next then meanwhile simultaneously almost always never
    often sometimes together instead maybe perhaps too very really quite rather briefly shortly right promptly
    straight halfway ever directly not well thereafter first lastly ultimately initially continuously repeatedly"""
)
RELATIVES = word_set("who which that whose whom where")
CONJUNCTIONS = word_set("""and or but nor yet so because if though although while whilst when whereas unless""")
ADJECTIVES = word_set(
    """old young little big small large tall short long red blue green white black brown yellow orange pink grey
    gray purple blonde blond dark light bright golden silver fluffy happy sad angry new hot cold wet dry clean
    dirty open closed empty full wooden plastic metal elderly older younger left right front bottom top upper
    lower middle final heavy soft hard fast slow loud quiet raw fresh thin thick bald different nearby entire
    whole other second striped colorful colourful nice good bad great beautiful pretty cute tiny huge giant high
    low deep wide narrow round flat asleep awake ready able busy"""
)

# Who a pronoun can mean.
MALE = word_set(
    """man men boy boys guy guys father dad grandfather son brother uncle husband king prince waiter actor
    gentleman groom policeman fireman fisherman cameraman businessman sportsman salesman dude male he mr"""
)
FEMALE = word_set(
    """woman women girl girls lady ladies mother mom mum grandmother daughter sister aunt wife queen princess
    waitress actress bride policewoman businesswoman ballerina female she mrs ms"""
)
PERSONS = word_set(
    """person people child children kid kids baby babies toddler toddlers teenager adult someone somebody everyone
    individual player players athlete athletes runner runners worker workers chef cook barber singer dancer
    dancers drummer guitarist musician musicians gymnast skier surfer swimmer rider cyclist driver batter
    pitcher goalkeeper goalie referee coach teacher student students doctor nurse patient officer officers
    soldier soldiers protester protesters crowd audience family couple team band customer cashier clerk waiter
    bartender friend friends climber skater skateboarder snowboarder performer magician host reporter speaker
    instructor farmer hiker boxer wrestler fighter diver lifter weightlifter jogger pedestrian passenger pilot
    mechanic carpenter painter artist opponent bowler golfer archer juggler clown bartender contestant judge
    judges presenter model thief robber suspect employee guest guests visitor tourist tourists neighbor
    neighbour"""
)
IRREGULAR_PLURALS = word_set(
    """men women children people feet teeth mice geese police cattle sheep fish policemen firemen fishermen they we
    you these those both others cops"""
)
MASS_NOUNS = word_set(
    """water smoke steam snow rain fire lightning thunder music traffic rice milk coffee tea dust light oil foam
    lava sand fog mist applause confetti text blood wind batter dough sauce butter flour sugar"""
)
PERCEPTION = word_set(
    """see watch hear notice observe film record show spot catch depict feature photograph feel find"""
)
ASPECT = word_set(
    """start begin continue keep stop finish resume quit enjoy go come get try practice practise like love hate
    avoid mind consider remember spend prefer suggest end proceed help seem appear"""
)
POSTURE = word_set("""sit stand lie lay kneel lean hang crouch squat hold stay wait remain rest float wear carry""")
DESCRIPTIVE = word_set("wear dress depict contain include feature say belong concern consist name use")
ACTIVITIES = word_set(
    """sing dance talk chat speak laugh smile giggle grin cry weep scream shout yell clap cheer applaud wave watch
    listen sleep snore breathe bark meow howl growl purr play swing sway spin shake shiver tremble whistle hum stare
    gaze look observe think pray meditate swim fly glide float flow burn glow shine blow rain snow fight wrestle
    argue walk run jog march skate ski surf ride drive work study paint draw write knit sew chew lick wag chase
    juggle drum film record point frown read eat drink cook smoke rock bounce roll rotate circle hover flicker flash
    buzz beep chirp cough crawl stroll wander skip gesture sweat stretch exercise"""
)
CONSUMPTION = word_set("eat drink smoke draw write paint cook knit sew roll")

# Words ending in -ing that are things, whatever comes before them.
ING_NOUNS = word_set(
    """thing something anything nothing everything king ring string wing spring ceiling building morning evening
    wedding clothing railing lightning earring pudding during sling swing bring sting painting dining living
    swimming parking shopping frying cutting washing mixing shooting sewing sliding fencing boxing bowling
    stuffing icing frosting wrestling surfing skiing gaming fishing hunting racing dwelling sibling viking
    pudding duckling darling"""
)
_ING_COMPOUNDS = word_set(
    """room pool pan board machine bowl range rink lane door table boot boots ring pole rod court lot bag cart mall
    track area hall cage shoes suit gloves glove board dress book cream powder chair"""
)

_IRREGULAR = """be was been|begin began begun|bend bent|bite bit bitten|blow blew blown|break broke broken|
bring brought|build built|burst burst|buy bought|catch caught|choose chose chosen|cling clung|
come came come|creep crept|cut cut|deal dealt|dig dug|dive dove dived|do did done|draw drew drawn|
drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought|
find found|flee fled|fling flung|fly flew flown|forget forgot forgotten|freeze froze frozen|get got|
give gave given|go went gone|grind ground|grow grew grown|hang hung|have had|hear heard|
hide hid hidden|hit hit|hold held|hurt hurt|keep kept|kneel knelt|knit knit|know knew known|
lay laid|lead led|leap leapt|leave left|lend lent|let let|lie lay lain|light lit|lose lost|
make made|mean meant|meet met|pay paid|put put|quit quit|read read|ride rode ridden|ring rang rung|
rise rose risen|run ran run|say said|see saw seen|seek sought|sell sold|send sent|set set|
sew sewed sewn|shake shook shaken|shine shone|shoot shot|show showed shown|shrink shrank shrunk|
shut shut|sing sang sung|sink sank sunk|sit sat|sleep slept|slide slid|sling slung|slit slit|
speak spoke spoken|speed sped|spend spent|spill spilled|spin spun|spit spat|split split|
spread spread|spring sprang sprung|stand stood|steal stole stolen|stick stuck|sting stung|
stride strode|strike struck|string strung|strip stripped|sweep swept|swim swam swum|swing swung|
take took taken|teach taught|tear tore torn|tell told|think thought|throw threw thrown|
undo undid undone|unwind unwound|wake woke woken|wear wore worn|weave wove woven|weep wept|win won|
wind wound|wring wrung|write wrote written|overtake overtook overtaken|withdraw withdrew withdrawn|
awake awoke awoken|lean leaned|bet bet|bow bowed|breed bred|bleed bled|broadcast broadcast|cast cast|
kick kicked|learn learned|rebuild rebuilt|rewind rewound|understand understood|upset upset|
stink stank stunk|swear swore sworn|lose lost|dream dreamed|spell spelled|wipe wiped|shed shed|
thrust thrust|slay slew slain|beat beat beaten|become became become|hold held|forgive forgave forgiven|
input input|reset reset|retake retook retaken|remake remade|redo redid redone|resell resold|
foresee foresaw foreseen"""

# Verbs whose forms are hardly ever nouns ...
_VERBS = """experience experiment post head thicken waltz tighten lengthen shorten blacken whiten redden brush moo neigh
quack crow chisel drizzle knead marinate fillet dice grate zest baste sear saute caramelize curdle froth
pipette evaporate levitate teleport hover accelerate accept accompany achieve acknowledge act adjust admire
admit adopt advance aim align allow announce answer appear applaud apply approach argue arrange arrest
arrive ascend ask assemble assist attach attack attempt attend avoid awaken bake balance begin bend bite
blend bless boil bother bounce bow box breathe bring brush build bump burn burst bury buy call capture carry
carve catch celebrate change charge chase chat check cheer chew chirp choose chop circle clap clasp clean
clear climb cling clip close collapse collect collide comb combine come compete complete confront
congratulate connect consider continue cook cool cover crack crash crawl create creep cross crouch crumple
cry curl cut dance dangle dash decide decorate deflate deliver demonstrate depart descend describe detach
dig dim dip disappear discard discuss dismount display dissolve dive divide dodge do drag drain drape draw
dribble drift drink drip drive drizzle drop dry dump dunk eat embrace emerge empty enjoy enter erase erupt
escape evade examine exchange execute exercise exit expand explain explode explore extend extinguish extract
fade faint fall fasten feed feel fetch fight fill film find finish fix flap flatten flee flex fling flip
float flow fly fold follow forget freeze fry gallop gather gaze gesture get giggle give glance glide glow
glue go grab grasp greet grill grin grind grip groom grow growl guide hammer hand handle hang happen harvest
have hear heat help hide hit hold hop hover howl hug hum hurdle hurl hurry illuminate imitate improve
increase inflate inject insert inspect install interact interview introduce invert investigate iron jog join
juggle jump keep kick kill kiss kneel knit knock know lace laugh launch lay lead lean leap learn leave lend
let lick lie lift light line listen load look loosen lose lower lunge make maneuver manipulate march mash
massage match measure meditate meet melt meow merge mix moisten mop mount move mow nail nibble nod notice
observe offer open operate order organize overtake overturn pack paddle paint parachute pass paste pat pause
paw pay pedal peck peek peel peer perform pet photograph pick pierce pinch place plant play plug plunge poke
polish pop pose position pour practice practise praise pray prepare present press pretend proceed produce
propel protest prune pull pump punch purr push put quit race rain raise rake ram reach react read rearrange
receive recline record recover reel refill relax release remain remove repair repeat replace rescue respond
rest restart resume retrieve return reveal reverse ride ring rinse rip rise roast rock roll rotate row rub
run rush sail salute sand sauté saw say scamper scan scatter scold scoop score scramble scrape scratch
scream screw scroll scrub seal search seat see seem seize sell send separate serve set settle sew shake
shape sharpen shave shatter shift shine shiver shoot shoplift shout shove shovel show shred shuffle shut
sign signal sing sink sip sit skate sketch ski skid skip slam slap sleep slice slide slip slow slurp smash
smear smell smile smoke smooth snap snatch sneak sneeze sniff snore snorkel snow snuggle soak soar
somersault sort spank speak speed spend spike spill spin spit splash split spot spray spread sprinkle sprint
squat squeeze stab stack stagger stain stand staple stare start startle steal steam steer step stick sting
stir stitch stomp stop straighten strap stretch stride strike strip stroke stroll struggle strum study
stumble style submerge surf surface surprise surround swallow sway sweat sweep swim swing swipe switch swirl
tackle take talk tap taste teach tear tease tell test text thank think thread threaten throw tickle tidy tie
tighten tilt tip toast toss touch tow track trace trade trail train transfer transform translate travel
tread trim trip trot trust try tuck tug tumble turn twirl twist type unbox unbutton uncover undo undress
unfold unload unlock unpack unplug unroll unscrew untie unwrap unzip use vacuum vanish vault visit wade wag
wait wake walk wander warm wash watch water wave wax wear weave weep weigh weld whip whisk whisper whistle
win wind wink wipe withdraw wobble work wrap wrestle wring write yank yawn yell zip zoom acquire activate
add address aid alert alternate amaze amuse anger appreciate assault assume attract bandage bathe beat
become beg behave believe belong bike blink block blow board bob bolt boost bark beep bow brace braid brake
break brighten bubble buckle bully burp buzz camp caress cease challenge chant choke chuckle clatter clench
click clutch coach coast coat comfort command compare complain compliment compress concentrate conduct
consume contain control converse convince cough count crack crank crush cuddle cup curtsy darken dart deal
debate deflect defend delay detonate develop dial direct disarm disassemble dislodge dispense dispose
disturb doze dress drill drown drum duck dust ease encounter engage engrave enjoy ensure entertain evacuate
evaporate exhale expect expose face fail fan farm feature fiddle fidget fill filter fire fish fit flail
flash flicker flinch flood flush focus foam force form frost frown fumble function garnish gasp glare
glisten glitter gnaw grate graze grumble guard guess gulp halt hatch hesitate hike hiss hobble hoist hook
hope horse howl hunch hunt ignite ignore imagine impress indicate inform inhale injure invite jab jerk
jiggle judge jolt kayak knead knock label ladle land layer leak level limp link live lob lock log loom love
lug mail manage mark mask mention mime mimic mime mince mingle miss moan motion mourn mumble munch mutter
narrate need nudge nurse obey obtain occur outrun overflow overlook own paddle pan park participate patrol
pave peep perch persuade pitch plead plow ply pluck plummet point ponder pounce pound prance prefer preheat
prevent print probe promise prop protect prove pucker punt purchase pursue quiver raid rappel rattle realize
rearrange recite recognize refuse reheat relate relish remember remind rent reply report request resemble
resist rest retreat review revolve ricochet roam roar rob rope rotate ruffle ruin rumble salt sample
sanitize save scare scrunch sculpt season secure shear shed shelter shield shine shop show shower shriek
shrug sigh simmer slash slaughter sled slither slump smack smirk smolder snarl snip snowboard snuff sob
solve somersault spar sparkle spell spray spring squint squirm squirt squish stalk stare stay steady stomp
store strangle straddle strum stuff suck suggest supervise support suspend sustain swarm swat swerve swap
tamp tangle target tattoo taunt tend thrash thrust thump thrive toddle topple tour trap trample treat
tremble trick trickle trudge tumble tune twitch unbuckle unclog uncork undergo unfasten unhook unlatch
unravel unveil unwind upload urinate use utter varnish vibrate view volley vomit vote waddle wail wash weld
wheel whack whirl widen wiggle wield wilt wither worry wriggle yodel want like hate agree seek sling slit
lay say ask mean freshen hammer stoop pile shell thaw steep whip clamp blast crown bat bowl golf fence frame
flavor flavour favor sow hose douse soap lather scuff buff sandpaper refuel reload repaint reattach readjust
reappear re-enter reenter undock dock demolish destroy damage dismantle explode ignite implode crumble
crumple shatter snowball nestle huddle cradle coo babble burp wail baptize marry propose salute bury mourn
graduate lecture preach toast high-five handcuff cuff frisk tase pepper-spray vandalize loot mug snatch
pickpocket stab strangle shoplift speed crash overturn skid collide rear-end"""
# ... and those whose -s form or base form is as often a noun ("washes plates and cups").
_NOUNY = """aim answer arm back bag balance ball band bat bike board book box brake break bridge brush bubble button
call camp can cap card cart change chain chair clip cloud coat comb color colour cook cook cover crack cream
cross cup curl cut dance design dish dive drink drill drip drop drum duck dust exercise eye face fan farm
fence film finger fire fish flag flash flip float flood flower fold foot fork frame garden glass glue goal
grill group guard guide hammer hand handle head heat hook horse hose house ice iron judge jump kick kiss
knot label ladder land laugh leash light line link lock log look love mail mark mask match milk mirror model
mop motion mount mouth move nail name nose nurse oil order pack pan pan park part pass patch paw pedal
people pepper phone photograph pile pin pitch place plan plant plate play plug pocket point pole pool pop
pose post pot pound present print program pump punch race rack rain rake record ring roast rock roll roof
rope row run sail salt sample sand sandwich sauce saw scale scoop score screen screw seal season seat set
shape shelf shell shop shot shovel show shower sign signal sink skate ski skip slice slide sled smile smoke
snack snap snow soap sort spike spin spot spray spring stack staple star start steam step stick stitch stool
stop store strap string strip stroke study style surf swing switch table tackle tail tap target taste taxi
team test text thread tie tip toast toe tool top touch tour towel track trade trail train trap treat tree
trick trim trip truck tune turn twist type vault view visit voice volley vote walk wall wash watch water
wave wax weight wheel whip whistle wheel wind wing work wrap yard zip park dress state stand block bow bowl
bench bit button coach curve dot drive edge end experience experiment fall feature field fight fit form
frost function garnish golf gun help hike hit hop hope hug joke kayak kid knee knife lap layer leak level
lift lot lunch mixture note number paddle page paint pair piece peel picture pitch pipe plow point poster
powder race ram rest ride rise round sentence service shake shave shield shift sip sketch snowboard sound
spoon stain stage stare stream street stretch struggle support surface swim talk throw tube tumble turn use
vacuum wear weave wedge wrestle wound smell act attack bank bark bite blink blow chat cheer clap clean cry
deal dip fly frown gesture giggle glance growl grin gulp hold hum leap nod pull push reach return rub rush
scratch scream shout shrug sigh sleep smack sneeze sniff splash sprint squat stumble throw toss try wag
whisper wink yawn yell pet pat poke tug tear touch scrub squeeze stir slap slam spill dash kneel lob"""
_DOUBLING = word_set("begin admit forget commit occur refer prefer propel rappel regret")
_VOWELS = "aeiou"


class VerbForm(NamedTuple):
    base: str
    forms: frozenset[Form]


def inflect(base: str, form: Form) -> str:
    """The English inflection of a verb: `inflect("run", "ing")` is "running"."""
    if form == "base":
        return base
    if form in ("past", "participle"):
        irregular = _irregular_forms().get(base)
        if irregular:
            return irregular[0 if form == "past" else 1]
    if form == "s":
        if base in ("be", "have", "do", "go"):
            return {"be": "is", "have": "has", "do": "does", "go": "goes"}[base]
        if base.endswith(("s", "x", "z", "ch", "sh")):
            return base + ("zes" if base == "quiz" else "es")
        return base[:-1] + "ies" if base.endswith("y") and base[-2:-1] not in _VOWELS else base + "s"
    stem = base
    if form == "ing":
        if base.endswith("ie"):
            return base[:-2] + "ying"
        if base.endswith("e") and not base.endswith(("ee", "oe", "ye")) and base != "be":
            stem = base[:-1]
        elif _doubles(base):
            stem = base + base[-1]
        return stem + "ing"
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ied"
    return (base + base[-1] if _doubles(base) else base) + "ed"


def verb_forms(word: str) -> VerbForm | None:
    """Which verb a lower-case word can be a form of, and which forms; None for a word that is not in the lists."""
    return _forms().get(word)


def is_nouny(base: str) -> bool:
    """Whether a verb's base and -s forms are nouns about as often as verbs ("cups", "plates", "watches")."""
    return base in _nouny()


def is_ing_compound(word: str, following: str) -> bool:
    """Whether an -ing word belongs to the noun after it ("dining room", "frying pan")."""
    return word.endswith("ing") and following in _ING_COMPOUNDS


def _doubles(base: str) -> bool:
    if base in _DOUBLING:
        return True
    if len(base) < 3 or base[-1] in "aeiouwxyh" or base[-2] not in _VOWELS or base[-3] in _VOWELS:
        return base[-4:-2] == "qu" and base[-2] in "i" and base[-1] not in "aeiouwxyh"
    return sum(letter in "aeiouy" for letter in base) == 1


@cache
def _irregular_forms() -> dict[str, tuple[str, str]]:
    table = {}
    for line in _IRREGULAR.replace("\n", "").split("|"):
        base, past, *participle = line.split()
        table[base] = (past, participle[0] if participle else past)
    return table


@cache
def _nouny() -> frozenset[str]:
    return frozenset(_NOUNY.split())


@cache
def _forms() -> dict[str, VerbForm]:
    found: dict[str, tuple[str, set[Form]]] = {}
    for base in dict.fromkeys([*_irregular_forms(), *_VERBS.split()]):
        for form in FORMS:
            word = inflect(base, form)
            # "lay", "found", "saw": first of all a base form, then a form of another verb.
            owner, forms = found.setdefault(word, (base, set()))
            if owner == base:
                forms.add(form)
    homographs: tuple[tuple[str, str, set[Form]], ...] = (
        ("saw", "see", {"past"}),
        ("found", "find", {"past", "participle"}),
        ("felt", "feel", {"past"}),
    )
    for word, base, own in homographs:
        found[word] = (base, own)
    return {word: VerbForm(base, frozenset(forms)) for word, (base, forms) in found.items()}
