"""Languages by any of their usual names: "en", "eng", "English", "en-US"."""

from __future__ import annotations

_ROWS = """
af afr afrikaans|ar ara arabic|az aze azerbaijani|be bel belarusian|bg bul bulgarian|bn ben bengali|bs bos bosnian
ca cat catalan|cs cze,ces czech|cy wel,cym welsh|da dan danish|de ger,deu german,deutsch|el gre,ell greek|en eng english
es spa spanish,espanol,español,castellano|et est estonian|eu baq,eus basque|fa per,fas persian,farsi|fi fin finnish
fr fre,fra french,francais,français|ga gle irish|gl glg galician|gu guj gujarati|he heb hebrew|hi hin hindi
hr hrv croatian|hu hun hungarian|hy arm,hye armenian|id ind indonesian|is ice,isl icelandic|it ita italian,italiano
ja jpn japanese|ka geo,kat georgian|kk kaz kazakh|kn kan kannada|ko kor korean|lt lit lithuanian|lv lav latvian
mk mac,mkd macedonian|ml mal malayalam|mn mon mongolian|mr mar marathi|ms may,msa malay|my bur,mya burmese|ne nep nepali
nl dut,nld dutch,nederlands|no nor,nob,nno norwegian|pa pan punjabi|pl pol polish,polski
pt por portuguese,portugues,português|ro rum,ron romanian|ru rus russian|si sin sinhala|sk slo,slk slovak
sl slv slovenian|sq alb,sqi albanian|sr srp serbian|sv swe swedish,svenska|sw swa swahili|ta tam tamil|te tel telugu
th tha thai|tl tgl,fil tagalog,filipino|tr tur turkish|uk ukr ukrainian|ur urd urdu|vi vie vietnamese
zh chi,zho,cmn,yue chinese,mandarin,cantonese|am amh amharic|as asm assamese|ba bak bashkir|bo tib,bod tibetan
br bre breton|fo fao faroese|ha hau hausa|haw haw hawaiian|ht hat haitian|jv jav,jw javanese|km khm khmer|la lat latin
lb ltz luxembourgish|ln lin lingala|lo lao lao|mg mlg malagasy|mi mao,mri maori|mt mlt maltese|oc oci occitan
ps pus pashto|sa san sanskrit|sd snd sindhi|sn sna shona|so som somali|su sun sundanese|tg tgk tajik|tk tuk turkmen
tt tat tatar|uz uzb uzbek|yi yid yiddish|yo yor yoruba
"""
_CODES: dict[str, str] = {}
_NAMES: dict[str, str] = {}
for _row in _ROWS.replace("\n", "|").split("|"):
    if _row:
        _code, _others, _words = _row.split()
        _CODES |= {name: _code for name in (_code, *_others.split(","), *_words.split(","))}
        _NAMES[_code] = _words.split(",")[0].capitalize()
_CODES |= {"nb": "no", "nn": "no", "chs": "zh", "cht": "zh", "pob": "pt", "ptbr": "pt"}


def language_code(name: str) -> str:
    """The ISO 639-1 code of a language; "" where it is none of those that are known.

    Args:
        name: its ISO 639-1 or 639-2 code or English name, in any case; a region behind it ("pt-BR") does not matter.
    """
    return _CODES.get(name.strip().lower().replace("_", "-").partition("-")[0], "")


def language_name(code: str) -> str:
    """The English name of a language by its ISO 639-1 code; the code itself where it is not known."""
    return _NAMES.get(code, code)
